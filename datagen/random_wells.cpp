#include "datagen/random_wells.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "datagen/counter_random.hpp"

namespace mano {

namespace {

constexpr int kPlaceAttempts = 10000;  // at a place for one well
// First indices of the random numbers: how many wells, their rates and, from the last on, well by well, places.
enum : std::int64_t { kCounts, kInjected, kProduced, kPlaces };

int drawn_count(const RandomWells::Count& count, double uniform) {  // uniform in (0, 1]
  const int numbers = count.most - count.least + 1;
  return count.least + std::min(numbers - 1, static_cast<int>(uniform * numbers));
}

std::vector<double> shares(int n, const CounterRandom& random, std::int64_t which) {
  std::vector<double> parts(n);
  double sum = 0.0;
  for (int w = 0; w < n; ++w) sum += parts[w] = std::pow(3.0, random.uniform(which, w));
  for (double& part : parts) part /= sum;
  return parts;
}

// Some cell of the column at (x, y) is active.
bool may_stand_at(double x, double y, const Grid& grid, const CellMask& active) {
  const int i = std::min(grid.nx - 1, static_cast<int>((x - grid.x0) / grid.hx()));
  const int j = std::min(grid.ny - 1, static_cast<int>((y - grid.y0) / grid.hy()));
  for (int k = 0; k < grid.nz; ++k) {
    if (active[grid.index(i, j, k)]) return true;
  }
  return false;
}

}  // namespace

std::vector<PlacedWell> draw_wells(const RandomWells& wells, std::uint64_t seed, std::uint64_t sample,
                                   const Grid& grid, const CellMask& active,
                                   const std::vector<PlacedWell>& taken) {
  const double shorter = std::min(grid.lx, grid.ly), distance = wells.distance * shorter,
               cell = std::hypot(grid.hx(), grid.hy()) / shorter;
  check(wells.most() + taken.size() <= 1 || wells.distance >= cell,
        "random wells are at least {:g} of the domain's shorter side apart, and a cell of {} measures {:.4g} "
        "of it "
        "across: two may share one; ask for a finer grid or distance={:g}",
        wells.distance, grid.resolution(), cell, std::ceil(1e3 * cell) / 1e3);
  const CounterRandom random(seed, kWellStream, sample);
  const int injectors = drawn_count(wells.injectors, random.uniform(kCounts, 0));
  const int producers = drawn_count(wells.producers, random.uniform(kCounts, 1));
  const auto injected = shares(injectors, random, kInjected), produced = shares(producers, random, kProduced);
  std::vector<PlacedWell> list;
  for (int w = 0; w < injectors + producers; ++w) {
    PlacedWell well{.radius = wells.radius};
    const bool injects = w < injectors;
    if (injects || !wells.has_pressure()) {
      well.rate = wells.rate * (injects ? injected[w] : -produced[w - injectors]);
    } else {
      well.pressure = wells.pressure;
    }
    const auto is_far = [&](const PlacedWell& other) {
      return std::hypot(well.x - other.x, well.y - other.y) >= distance;
    };
    const auto stands = [&](int attempt) {
      well.x = grid.x0 + grid.lx * random.uniform(kPlaces + w, 2 * attempt);
      well.y = grid.y0 + grid.ly * random.uniform(kPlaces + w, 2 * attempt + 1);
      return may_stand_at(well.x, well.y, grid, active) && std::ranges::all_of(list, is_far) &&
             std::ranges::all_of(taken, is_far);
    };
    int attempt = 0;
    while (attempt < kPlaceAttempts && !stands(attempt)) ++attempt;
    check(
        attempt < kPlaceAttempts,
        "no place for well {} of {}, {:g} from all before, in {} attempts: ask for fewer wells or a smaller "
        "distance",
        w + 1, injectors + producers, distance, kPlaceAttempts);
    list.push_back(well);
  }
  return list;
}

}  // namespace mano
