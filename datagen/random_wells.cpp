#include "datagen/random_wells.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "datagen/counter_random.hpp"

namespace mano {

namespace {

constexpr double kMostShare = 3.0;     // of a well's rate over that of another of its kind
constexpr double kTolerated = 1.2;     // by how much wells may differ from those drawn
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
  for (int w = 0; w < n; ++w) sum += parts[w] = std::pow(kMostShare, random.uniform(which, w));
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

namespace {

void compare_counts(const char* kind, std::size_t n, const RandomWells::Count& drawn,
                    std::vector<std::string>& found) {
  if (static_cast<int>(n) < drawn.least || static_cast<int>(n) > drawn.most)
    found.push_back(fmt::format("{} {} (training: {} to {})", n, kind, drawn.least, drawn.most));
}

// Of wells that all have a rate, with one sign.
void compare_rates(const char* kind, const std::vector<PlacedWell>& wells, double drawn,
                   std::vector<std::string>& found) {
  if (wells.empty()) return;
  double sum = 0.0, least = std::abs(wells.front().rate), most = 0.0;
  for (const PlacedWell& well : wells) {
    const double rate = std::abs(well.rate);
    sum += rate;
    least = std::min(least, rate);
    most = std::max(most, rate);
  }
  if (sum > kTolerated * drawn || kTolerated * sum < drawn)
    found.push_back(fmt::format("{} of {:.4g} in all (training: {:.4g})", kind, sum, drawn));
  if (most > kTolerated * kMostShare * least)
    found.push_back(fmt::format("{} of {:.4g} to {:.4g} (training: at most {:g} times each other)", kind,
                                least, most, kMostShare));
}

double shortest_distance(const std::vector<PlacedWell>& wells) {
  double shortest = std::numeric_limits<double>::infinity();
  for (std::size_t a = 0; a < wells.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b)
      shortest = std::min(shortest, std::hypot(wells[a].x - wells[b].x, wells[a].y - wells[b].y));
  }
  return shortest;
}

}  // namespace

std::vector<std::string> unlike_drawn(const std::vector<PlacedWell>& wells, const RandomWells& drawn,
                                      const Grid& grid) {
  std::vector<PlacedWell> injectors, with_rate, with_pressure;
  for (const PlacedWell& well : wells)
    (!well.has_rate() ? with_pressure : well.rate > 0 ? injectors : with_rate).push_back(well);
  std::vector<std::string> found;
  compare_counts("injectors", injectors.size(), drawn.injectors, found);
  compare_counts("producers", with_rate.size() + with_pressure.size(), drawn.producers, found);
  compare_rates("injected rates", injectors, drawn.rate, found);
  if (!drawn.has_pressure()) compare_rates("produced rates", with_rate, drawn.rate, found);
  const auto& other = drawn.has_pressure() ? with_rate : with_pressure;
  if (!other.empty())
    found.push_back(drawn.has_pressure() ? "a producer with a rate (training: all have a pressure)"
                                         : "a well with a pressure (training: all have rates)");
  const auto differs = [&](const PlacedWell& w) { return w.pressure != with_pressure.front().pressure; };
  if (drawn.has_pressure() && std::ranges::any_of(with_pressure, differs))
    found.push_back("producers with different pressures (training: all have one)");
  const double shortest = shortest_distance(wells), least = drawn.distance * std::min(grid.lx, grid.ly);
  if (kTolerated * shortest < least)
    found.push_back(fmt::format("wells {:.3g} apart (training: at least {:.3g})", shortest, least));
  return found;
}

}  // namespace mano
