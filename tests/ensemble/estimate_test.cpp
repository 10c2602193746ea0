#include "ensemble/estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/error.hpp"

namespace mano {
namespace {

TEST(Estimate, TelescopesMeansAndVariances) {
  const std::vector<LevelSamples> levels{{{1.0, 3.0, 5.0}, {}}, {{2.0, 4.0}, {1.0, 2.0}}};
  const Estimate e = estimate_of(levels);
  EXPECT_DOUBLE_EQ(e.mean, 3.0 + 1.5);
  EXPECT_DOUBLE_EQ(e.variance, 4.0 + (2.0 - 0.5));  // of 1, 3, 5; of 2, 4 less that of 1, 2
  EXPECT_DOUBLE_EQ(e.error, std::sqrt(4.0 / 3 + 0.5 / 2));
}

TEST(Estimate, OfOneLevelIsThatOfStudent) {
  const Estimate e = estimate_of({{{1.0, 2.0, 4.0, 5.0}, {}}});
  const Moments m = moments_of(std::vector{1.0, 2.0, 4.0, 5.0});
  EXPECT_DOUBLE_EQ(e.variance, m.variance);
  EXPECT_NEAR(e.half_width(), student_quantile(0.975, degrees_of_freedom(m)) * std::sqrt(m.variance / 4),
              1e-12);
  EXPECT_THROW(estimate_of({{{1.0}, {}}}), InvalidInput);
  EXPECT_THROW(estimate_of({{{1.0, 2.0, 3.0}, {1.0, 2.0}}}), InvalidInput);
}

// Q = exp(z / 2), with a coarse model that is off: mean exp(1/8), variance exp(1/2) - exp(1/4).
std::vector<LevelSamples> lognormal_levels(std::mt19937_64& random, int n0, int n1) {
  std::normal_distribution<double> normal;
  std::vector<LevelSamples> levels(2);
  const auto coarse = [](double z) { return std::exp(0.5 * z) + 0.3 * std::sin(3 * z) + 0.2; };
  for (int i = 0; i < n0; ++i) levels[0].fine.push_back(coarse(normal(random)));
  for (int i = 0; i < n1; ++i) {
    const double z = normal(random);
    levels[1].fine.push_back(std::exp(0.5 * z));
    levels[1].coarse.push_back(coarse(z));
  }
  return levels;
}

TEST(Estimate, IntervalsHoldTheTruthInNinetyFivePercentOfRuns) {
  const double mean = std::exp(0.125);
  const double variance = std::exp(0.5) - std::exp(0.25);
  std::mt19937_64 random(7);
  int mean_held = 0, variance_held = 0;
  constexpr int kRuns = 1000;
  for (int run = 0; run < kRuns; ++run) {
    const Estimate e = estimate_of(lognormal_levels(random, 800, 150));
    mean_held += e.mean_interval.holds(mean);
    variance_held += e.variance_interval.holds(variance);
  }
  // 95 % of 1000 runs, standard deviation 0.7 %.
  EXPECT_GE(mean_held, 0.93 * kRuns);
  EXPECT_LE(mean_held, 0.97 * kRuns);
  EXPECT_GE(variance_held, 0.93 * kRuns);
  EXPECT_LE(variance_held, 0.98 * kRuns);
}

TEST(Estimate, OfTheVarianceIsUnbiased) {
  std::mt19937_64 random(11);
  double sum = 0.0, squares = 0.0;
  constexpr int kRuns = 20000;
  for (int run = 0; run < kRuns; ++run) {
    const double v = estimate_of(lognormal_levels(random, 5, 4)).variance;
    sum += v;
    squares += v * v;
  }
  const double mean = sum / kRuns;
  const double error = std::sqrt((squares / kRuns - mean * mean) / kRuns);
  EXPECT_NEAR(mean, std::exp(0.5) - std::exp(0.25), 3 * error);
  EXPECT_LT(error, 0.01);
}

TEST(Covariance, OfThreePairs) {
  EXPECT_DOUBLE_EQ(covariance_of(std::vector{1.0, 2.0, 3.0}, std::vector{2.0, 4.0, 9.0}), 3.5);
}

}  // namespace
}  // namespace mano
