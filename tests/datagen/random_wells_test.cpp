#include "datagen/random_wells.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.hpp"
#include "datagen/inactive_blobs.hpp"

namespace mano {
namespace {

RandomWells wells(RandomWells::Count injectors, RandomWells::Count producers) {
  RandomWells w;
  w.injectors = injectors;
  w.producers = producers;
  return w;
}

TEST(RandomWells, KeepTheirDistanceAndTheirRatesAddUp) {
  RandomWells spec = wells({1, 3}, {2, 5});
  spec.rate = 7.0;
  const Grid grid{32, 48, 2.0, 3.0, -1.0, 5.0};
  for (std::uint64_t sample = 0; sample < 200; ++sample) {
    const auto list = draw_wells(spec, 3, sample, grid, {});
    double in = 0.0, out = 0.0;
    for (std::size_t a = 0; a < list.size(); ++a) {
      EXPECT_TRUE(list[a].x >= -1 && list[a].x <= 1 && list[a].y >= 5 && list[a].y <= 8);
      for (std::size_t b = 0; b < a; ++b)
        EXPECT_GE(std::hypot(list[a].x - list[b].x, list[a].y - list[b].y), 0.15 * 2.0);
      (list[a].rate > 0 ? in : out) += list[a].rate;
    }
    EXPECT_NEAR(in, 7.0, 1e-13);
    EXPECT_NEAR(out, -7.0, 1e-13);
  }
}

TEST(RandomWells, HaveEveryNumberAndShareThatIsAskedFor) {
  const RandomWells spec = wells({1, 3}, {0, 2});
  std::set<std::pair<int, int>> numbers;
  double least = 1.0, most = 0.0, x = 0.0, y = 0.0, n = 0.0;
  for (std::uint64_t sample = 0; sample < 2000; ++sample) {
    const auto list = draw_wells(spec, 1, sample, {32, 32}, {});
    const int injectors =
        static_cast<int>(std::ranges::count_if(list, [](const auto& w) { return w.rate > 0; }));
    numbers.insert({injectors, static_cast<int>(list.size()) - injectors});
    if (injectors == 2) {
      least = std::min(least, list[0].rate);
      most = std::max(most, list[0].rate);
    }
    x += list[0].x;
    y += list[0].y;
    ++n;
  }
  EXPECT_EQ(numbers.size(), 9u);
  EXPECT_NEAR(least, 0.25, 0.02);  // 1 : 3
  EXPECT_NEAR(most, 0.75, 0.02);
  EXPECT_NEAR(x / n, 0.5, 4 * 0.29 / std::sqrt(n));  // uniform: four standard errors
  EXPECT_NEAR(y / n, 0.5, 4 * 0.29 / std::sqrt(n));
}

TEST(RandomWells, AreThoseOfTheirSeedAndSampleOnEveryGrid) {
  const RandomWells spec = wells({1, 1}, {3, 3});
  const auto same = [](const auto& a, const auto& b) {
    return std::ranges::equal(
        a, b, [](const auto& p, const auto& q) { return p.x == q.x && p.y == q.y && p.rate == q.rate; });
  };
  const auto list = draw_wells(spec, 5, 8, {32, 32}, {});
  EXPECT_TRUE(same(list, draw_wells(spec, 5, 8, {100, 37}, {})));
  EXPECT_FALSE(same(list, draw_wells(spec, 5, 9, {32, 32}, {})));
  EXPECT_FALSE(same(list, draw_wells(spec, 6, 8, {32, 32}, {})));
}

TEST(RandomWells, StandInActiveCellsAndAwayFromOthers) {
  const RandomWells spec = wells({2, 2}, {4, 4});
  const Grid grid{32, 32};
  const std::vector<PlacedWell> taken{{.x = 0.5, .y = 0.5}};
  for (std::uint64_t sample = 0; sample < 50; ++sample) {
    const CellMask active = draw_inactive_blobs(0.4, 2, sample, grid);
    for (const PlacedWell& well : draw_wells(spec, 2, sample, grid, active, taken)) {
      EXPECT_TRUE(active(static_cast<int>(well.x * 32), static_cast<int>(well.y * 32)));
      EXPECT_GE(std::hypot(well.x - 0.5, well.y - 0.5), 0.15);
    }
  }
}

TEST(RandomWells, ProducersOfGivenPressureHaveNoRate) {
  RandomWells spec = wells({1, 1}, {2, 2});
  spec.pressure = 80.0;
  spec.radius = 0.1;
  const auto list = draw_wells(spec, 1, 0, {32, 32, 1000, 1000}, {});
  EXPECT_TRUE(list[0].has_rate() && std::isnan(list[0].pressure));
  for (int w = 1; w < 3; ++w)
    EXPECT_TRUE(!list[w].has_rate() && list[w].pressure == 80.0 && list[w].radius == 0.1);
}

TEST(RandomWells, RefusesCellsThatTwoMayShareAndTooManyWells) {
  EXPECT_THROW(draw_wells(wells({1, 1}, {1, 1}), 1, 0, {8, 8}, {}), InvalidInput);
  EXPECT_NO_THROW(draw_wells(wells({1, 1}, {0, 0}), 1, 0, {2, 2}, {}));
  EXPECT_THROW(draw_wells(wells({50, 50}, {50, 50}), 1, 0, {64, 64}, {}), InvalidInput);
}

TEST(RandomWells, DrawnOnesAreLikeThemselves) {
  const Grid grid{32, 32, 100.0, 200.0};
  for (const bool with_pressure : {false, true}) {
    RandomWells spec = wells({1, 2}, {1, 4});
    if (with_pressure) spec.pressure = 7.0;
    for (std::uint64_t sample = 0; sample < 200; ++sample)
      EXPECT_TRUE(unlike_drawn(draw_wells(spec, 3, sample, grid, {}), spec, grid).empty()) << sample;
  }
}

// Each of these differs from what was drawn in one way, and is told in words that name it.
TEST(RandomWells, OthersAreUnlikeThem) {
  const Grid grid{32, 32};
  const RandomWells spec = wells({1, 2}, {1, 2});
  const auto at = [](double x, double y, double rate) { return PlacedWell{.x = x, .y = y, .rate = rate}; };
  const auto found = [&](const std::vector<PlacedWell>& list, const RandomWells& drawn) {
    return fmt::format("{}", fmt::join(unlike_drawn(list, drawn, grid), "; "));
  };
  const PlacedWell in = at(0.1, 0.1, 1), out = at(0.9, 0.9, -1);
  EXPECT_EQ(found({in, out}, spec), "");
  EXPECT_EQ(found({out}, spec), "0 injectors (training: 1 to 2)");
  EXPECT_EQ(found({in, at(0.9, 0.9, -0.4), at(0.5, 0.5, -0.3), at(0.9, 0.1, -0.3)}, spec),
            "3 producers (training: 1 to 2)");
  EXPECT_EQ(found({at(0.1, 0.1, 2), out}, spec), "injected rates of 2 in all (training: 1)");
  EXPECT_EQ(found({in, at(0.9, 0.9, -0.5)}, spec), "produced rates of 0.5 in all (training: 1)");
  EXPECT_EQ(found({in, at(0.9, 0.9, -0.9), at(0.9, 0.1, -0.1)}, spec),
            "produced rates of 0.1 to 0.9 (training: at most 3 times each other)");
  EXPECT_EQ(found({in, at(0.2, 0.1, -1)}, spec), "wells 0.1 apart (training: at least 0.15)");
  const PlacedWell held{.x = 0.9, .y = 0.9, .pressure = 7.0, .radius = 0.001};
  EXPECT_EQ(found({in, held}, spec), "a well with a pressure (training: all have rates)");

  RandomWells by_pressure = spec;
  by_pressure.pressure = 5.0;
  PlacedWell other = held;
  other.x = 0.1;
  EXPECT_EQ(found({in, held, other}, by_pressure), "");  // a level of all pressures makes no difference
  other.pressure = 8.0;
  EXPECT_EQ(found({in, held, other}, by_pressure),
            "producers with different pressures (training: all have one)");
  EXPECT_EQ(found({in, out}, by_pressure), "a producer with a rate (training: all have a pressure)");
}

}  // namespace
}  // namespace mano
