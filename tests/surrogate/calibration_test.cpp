#include "surrogate/calibration.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mano
