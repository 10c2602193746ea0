#include "ensemble/allocation.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace mano {
namespace {

TEST(Allocation, MeetsTheBoundAtTheLeastCost) {
  const std::vector<double> v{1.0, 0.04, 0.001}, c{1.0, 5.0, 30.0};
  const double bound = 1e-4;
  const std::vector<double> n = optimal_samples({v}, c, {bound});
  double error = 0.0, cost = 0.0;
  for (int l = 0; l < 3; ++l) {
    error += v[l] / n[l];
    cost += n[l] * c[l];
  }
  EXPECT_NEAR(error, bound, 1e-12);
  EXPECT_NEAR(cost, optimal_cost({v}, c, {bound}), 1e-6);
  // Any other numbers that meet the bound cost more.
  for (double shift : {0.8, 0.95, 1.05, 1.3}) {
    const double n1 = n[1] * shift;
    const double n0 = v[0] / (bound - v[1] / n1 - v[2] / n[2]);
    EXPECT_GT(n0 * c[0] + n1 * c[1] + n[2] * c[2], cost) << shift;
  }
}

TEST(Allocation, OfSeveralQuantitiesServesEach) {
  const std::vector<double> c{1.0, 10.0};
  const auto n = optimal_samples({{1.0, 0.0}, {0.0, 1.0}}, c, {0.01, 0.1});
  EXPECT_NEAR(n[0], 100, 1e-9);
  EXPECT_NEAR(n[1], 10, 1e-9);
}

}  // namespace
}  // namespace mano
