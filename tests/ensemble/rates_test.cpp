#include "ensemble/rates.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tolerances.hpp"

namespace mano {
namespace {

// Corrections of mean 3 2^(-l) and variance 5 4^(-l), exactly.
std::vector<LevelSamples> exact_corrections(int levels) {
  std::vector<LevelSamples> all;
  for (int l = 0; l < levels; ++l) {
    const double mean = 3 * std::exp2(-l);
    const double half = std::sqrt(2.5) * std::exp2(-l);
    all.push_back({{mean + half, mean - half, mean}, {0.0, 0.0, 0.0}});
  }
  return all;
}

TEST(Rates, AreThoseOfTheCorrections) {
  const Rates r = rates_of(exact_corrections(6));
  EXPECT_NEAR(*r.alpha, 1.0, tolerance::kExact);
  EXPECT_NEAR(*r.beta, 2.0, tolerance::kExact);
  EXPECT_FALSE(rates_of(exact_corrections(1)).alpha.has_value());
  auto odd = exact_corrections(6);
  odd[0].fine = {1e6, -1e6, 5.0};  // not among the last four
  EXPECT_NEAR(*rates_of(odd).beta, 2.0, tolerance::kExact);
}

TEST(BiasBound, HoldsWhatTheNextLevelsWouldAdd) {
  const auto corrections = exact_corrections(5);
  const double left = 3 * std::exp2(-4);  // sum of 3 2^(-l) from 5 on
  const double error = std::sqrt(2.5 / 3) * std::exp2(-4);
  EXPECT_NEAR(bias_bound(corrections, 1.0), left + 1.645 * error, tolerance::kExact);
  EXPECT_NEAR(bias_bound(corrections, 7.0), bias_bound(corrections, 1.0),
              tolerance::kExact);  // no promise of more
  EXPECT_GT(bias_bound(corrections, 0.1), 2 * left);
  EXPECT_EQ(bias_bound({}, 1.0), 0.0);
}

TEST(BestScale, IsTheRegressionsWhereTheModelIsFree) {
  EXPECT_NEAR(best_scale(1.0, 4.0, 1.5, 1.0, 0.0), 1.5 / 4.0, 1.0 / 64);
  EXPECT_EQ(best_scale(1.0, 4.0, 1.5, 1.0, 1e6), 0.0);  // too dear
  EXPECT_LT(best_scale(1.0, 1.0, -0.9, 1.0, 1e-6), -0.8);
}

}  // namespace
}  // namespace mano
