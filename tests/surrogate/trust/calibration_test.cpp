#include "surrogate/trust/calibration.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace mano {
namespace {

TEST(ConformalQuantile, IsTheRankThatTheoryNames) {
  std::vector<double> values(19);
  std::iota(values.begin(), values.end(), 1.0);
  EXPECT_EQ(conformal_quantile(values, 0.9), 18.0);  // ceil(20 * 0.9)
  EXPECT_EQ(conformal_quantile(values, 0.5), 10.0);
  EXPECT_EQ(conformal_quantile({3.0, 1.0}, 0.9), 3.0);  // too few: the largest
  EXPECT_EQ(conformal_quantile({7.0}, 0.1), 7.0);
}

// A new value lies within with the stated probability on average over many draws.
TEST(ConformalQuantile, CoversAsStated) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> errors;
  int covered = 0;
  constexpr int kDraws = 20'000;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> values(29);
    for (double& v : values) v = errors(random);
    covered += errors(random) <= conformal_quantile(values, 0.9) ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(covered) / kDraws, 0.9, 0.01);
}

TEST(ErrorCollector, PoolsThePointsAndRanksTheFields) {
  ErrorCollector errors;
  const Field solution(Grid{10, 1}, 1.0);
  for (int f = 1; f <= 20; ++f) {
    Field prediction = solution;
    prediction(0, 0) += 0.1 * f;
    errors.add(prediction, solution);
    if (f == static_cast<int>(kFewestFields) - 1) {
      EXPECT_FALSE(errors.calibration({10, 1}).has_value());
    }
  }
  const auto c = errors.calibration({10, 1});
  ASSERT_TRUE(c.has_value());
  EXPECT_EQ(c->fields, 20U);
  // 180 of the 200 points have no error: the 0.9 quantile is the 181st of 200, the least of the others.
  EXPECT_NEAR(c->half_width, 0.1 / std::sqrt((9 + 1.1 * 1.1) / 10), 1e-12);
  EXPECT_NEAR(c->relative_l2, 1.9 / std::sqrt(10.0), 1e-12);  // ceil(21 * 0.9) = 19th
  EXPECT_NEAR(errors.mean_l2(), 1.05 / std::sqrt(10.0), 1e-12);
}

}  // namespace
}  // namespace mano
