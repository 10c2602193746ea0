#include "surrogate/trust/coefficient_statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "datagen/random_field.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

constexpr double kE = 2.718281828459045;
enum { kLeast, kMost, kVariance, kLengthX, kLengthY, kVariation };

// 1 and e in stripes of `width` columns.
Field stripes(const Grid& grid, int width) {
  Field k(grid);
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) k(i, j) = i / width % 2 == 0 ? 1.0 : kE;
  }
  return k;
}

CoefficientStatistics of(const Field& k) {
  return coefficient_statistics(k, {k.grid.nx, k.grid.ny}, Location::cell);
}

TEST(CoefficientStatistics, OfStripes) {
  // ln k = +-1/2 about its mean; correlation in x falls linearly from 1 to -1 over a stripe, in y it is 1.
  const auto s = of(stripes({16, 8}, 4));
  EXPECT_NEAR(s[kLeast], 0.0, tolerance::kExact);
  EXPECT_NEAR(s[kMost], 1.0, 1e-12);
  EXPECT_NEAR(s[kVariance], 0.25, 1e-12);
  EXPECT_DOUBLE_EQ(s[kLengthY], 0.5);
  EXPECT_NEAR(s[kVariation], 3.0, 1e-12);  // three jumps of 1 in every row
  // At lag 1 of 16, three of 15 pairs differ: 1 - 2 * 3 / 15 = 0.6; at lag 2 six of 14: 1/7.
  const double at = 1 + (0.6 - 1 / kE) / (0.6 - 1.0 / 7);
  EXPECT_NEAR(s[kLengthX], at / 16, 1e-12);
}

TEST(CoefficientStatistics, OfAConstant) {
  const auto s = of(Field({5, 3}, 2.0));
  EXPECT_NEAR(s[kLeast], std::log(2.0), 1e-15);
  EXPECT_EQ(s[kVariance], 0.0);
  EXPECT_EQ(s[kLengthX], 0.5);
  EXPECT_EQ(s[kVariation], 0.0);
  EXPECT_THROW(of(Field({2, 2}, 0.0)), InvalidInput);
}

// Rough rock too, whose averages would vary less than its points.
TEST(CoefficientStatistics, HardlyChangeWithTheGridAlone) {
  const FieldSpec spec{
      .kind = "lognormal", .correlation_length_x = 0.3, .correlation_length_y = 0.3, .smoothness = 0.5};
  const auto means = [&](const Grid& grid) {
    CoefficientStatistics sum{};
    for (int sample = 0; sample < 40; ++sample) {
      const auto s = coefficient_statistics(draw_field(spec, 3, sample, grid), {16, 16}, Location::cell);
      for (std::size_t i = 0; i < s.size(); ++i) sum[i] += s[i] / 40;
    }
    return sum;
  };
  const auto coarse = means({16, 16});
  for (const Grid& grid : {Grid{32, 32}, Grid{100, 37}, Grid{64, 128}}) {
    const auto fine = means(grid);
    for (int i : {kVariance, kLengthX, kLengthY, kVariation})
      EXPECT_NEAR(fine[i], coarse[i], 0.1 * coarse[i])
          << kCoefficientStatistics[i] << " at " << grid.resolution();
  }
  // At nodes every second point is a point of the coarse grid.
  Field nodes(Grid{8, 8});
  for (int j = 0; j < 8; ++j) {
    for (int i = 0; i < 8; ++i) nodes(i, j) = i % 2 == 0 && j % 2 == 0 ? 2.0 : 5.0;
  }
  EXPECT_EQ(coefficient_statistics(nodes, {4, 4}, Location::node)[kVariance], 0.0);
}

TEST(CoefficientRanges, FlagWhatTrainingHasNotSeen) {
  const FieldSpec two_phase;
  const Grid grid{32, 32};
  CoefficientRanges ranges;
  EXPECT_TRUE(ranges.outside(of(Field(grid, 1.0))).empty());  // knows nothing, says nothing
  for (int s = 0; s < 200; ++s) ranges.add(of(draw_field(two_phase, 1, s, grid)));
  int false_alarms = 0;
  for (int s = 0; s < 200; ++s)
    false_alarms += ranges.outside(of(draw_field(two_phase, 2, s, grid))).empty() ? 0 : 1;
  EXPECT_LE(false_alarms, 6);  // 3 %
  const auto hits = [&](const FieldSpec& spec) {
    int found = 0;
    for (int s = 0; s < 50; ++s) found += ranges.outside(of(draw_field(spec, 3, s, grid))).empty() ? 0 : 1;
    return found;
  };
  EXPECT_EQ(hits({.kind = "lognormal"}), 50);
  EXPECT_EQ(hits({.kind = "two-phase", .low = 1.0, .high = 100.0}), 50);
  EXPECT_EQ(hits({.kind = "channels", .contrast = 4.0}), 50);
  // The same two permeabilities, in another pattern.
  EXPECT_FALSE(ranges
                   .outside(of([&] {
                     Field k = stripes(grid, 1);
                     for (double& v : k.values) v = v > 1 ? 12 : 3;
                     return k;
                   }()))
                   .empty());
  // Of its range alone, where nothing else can be compared.
  EXPECT_TRUE(ranges.outside({std::log(3.0), std::log(12.0), 99, 99, 99, 99}, 2).empty());
  EXPECT_FALSE(ranges.outside({std::log(3.0), std::log(13.0), 99, 99, 99, 99}, 2).empty());
  const auto words =
      ranges.outside(of(draw_field({.kind = "two-phase", .low = 3.0, .high = 400.0}, 3, 0, grid)));
  ASSERT_FALSE(words.empty());
  EXPECT_NE(words.front().find("largest permeability 400 (training: 12 to 12)"), std::string::npos)
      << words.front();
}

}  // namespace
}  // namespace mano
