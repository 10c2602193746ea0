#include "ensemble/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/error.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

TEST(Moments, OfFourNumbers) {
  const Moments m = moments_of(std::vector{1.0, 2.0, 3.0, 10.0});
  EXPECT_EQ(m.samples, 4u);
  EXPECT_DOUBLE_EQ(m.mean, 4.0);
  EXPECT_DOUBLE_EQ(m.variance, (9 + 4 + 1 + 36) / 3.0);
  EXPECT_DOUBLE_EQ(m.kurtosis, 4 * (81 + 16 + 1 + 1296) / (50.0 * 50.0));
}

TEST(Moments, OfAConstantHaveNoSpread) {
  const Moments m = moments_of(std::vector<double>(7, 0.1));
  EXPECT_EQ(m.mean, 0.1);
  EXPECT_EQ(m.variance, 0.0);
  EXPECT_EQ(m.kurtosis, 3.0);
  EXPECT_THROW(moments_of(std::vector{1.0}), InvalidInput);
}

TEST(Quantiles, OfTheNormalAreThoseOfTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-13);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232306167813, 1e-12);
  EXPECT_NEAR(normal_quantile(0.5), 0.0, 1e-15);
  EXPECT_THROW(normal_quantile(1.0), InvalidInput);
}

TEST(Quantiles, OfStudentAreThoseOfTables) {
  EXPECT_NEAR(student_quantile(0.975, 1), 12.706204736432095, 1e-8);
  EXPECT_NEAR(student_quantile(0.975, 5), 2.570581835636314, 1e-9);
  EXPECT_NEAR(student_quantile(0.025, 30), -2.042272456301238, 1e-9);
  EXPECT_NEAR(student_quantile(0.975, 2.5), 3.5746548420118773, 1e-9);  // scipy.stats.t.ppf
  EXPECT_NEAR(student_quantile(0.975, 1e7), normal_quantile(0.975), 1e-6);
}

TEST(DegreesOfFreedom, AreThoseOfAGaussianAtItsKurtosis) {
  EXPECT_NEAR(degrees_of_freedom({.samples = 1001, .kurtosis = 3.0 - 6.0 / 1002}), 1000, 10);
  EXPECT_NEAR(degrees_of_freedom({.samples = 1000, .kurtosis = 21.0}), 100, 1);  // 2 n / (kurtosis - 1)
  EXPECT_EQ(degrees_of_freedom({.samples = 10, .kurtosis = 1.0}), 9);
}

TEST(OrderStatistics, OfTheMedianAreThoseOfTables) {
  std::vector<double> ten(10), twenty(20);
  for (int i = 0; i < 20; ++i) (i < 10 ? ten[i] : twenty[i]) = twenty[i] = i + 1;
  const Quantile q = quantile_of(ten, 0.5);  // David and Nagaraja: X_(2), X_(9), 97.9 %
  EXPECT_DOUBLE_EQ(q.value, 5.5);
  EXPECT_EQ(q.interval->low, 2);
  EXPECT_EQ(q.interval->high, 9);
  EXPECT_EQ(quantile_of(twenty, 0.5).interval->low, 6);
  EXPECT_EQ(quantile_of(twenty, 0.5).interval->high, 15);
  EXPECT_FALSE(
      quantile_of(ten, 0.1).interval.has_value());  // P(all above) = 0.9^10: nothing lies below for sure
}

TEST(OrderStatistics, HoldTheQuantileAtLeastAsOftenAsTheySay) {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> exponential;
  for (double p : {0.1, 0.5, 0.9}) {
    const double truth = -std::log1p(-p);
    int held = 0;
    constexpr int kRuns = 2000;
    for (int run = 0; run < kRuns; ++run) {
      std::vector<double> x(64);
      for (double& v : x) v = exponential(random);
      std::sort(x.begin(), x.end());
      held += quantile_of(x, p).interval->holds(truth);
    }
    EXPECT_GE(held, 0.945 * kRuns) << p;  // 95 % less a standard deviation
    EXPECT_LE(held, 0.99 * kRuns) << p;
  }
}

TEST(Slope, OfALineIsItsOwn) {
  EXPECT_DOUBLE_EQ(slope_of(std::vector{0.0, 1.0, 3.0}, std::vector{1.0, -1.0, -5.0}), -2.0);
  EXPECT_THROW(slope_of(std::vector{1.0, 1.0}, std::vector{1.0, 2.0}), InvalidInput);
}

}  // namespace
}  // namespace mano
