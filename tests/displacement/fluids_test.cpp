#include "displacement/fluids.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.hpp"

namespace mano {
namespace {

Fluids fluids(double ratio, double n_i, double n_d, double e_i = 1.0, double e_d = 1.0) {
  Fluids f;
  f.viscosity_ratio = ratio;
  f.injected_exponent = n_i;
  f.displaced_exponent = n_d;
  f.injected_end_point = e_i;
  f.displaced_end_point = e_d;
  return f;
}

const std::vector<Fluids> kMany{fluids(5, 2, 2), fluids(0.1, 2, 3), fluids(100, 3.5, 1.5, 0.3, 0.8),
                                fluids(1, 1, 1), fluids(20, 1, 2),  fluids(0.5, 6, 5)};

TEST(Fluids, FlowAndMobilityAreThoseOfTheDefinition) {
  for (const Fluids& p : kMany) {
    const FractionalFlow f(p);
    for (double s : {0.0, 0.1, 0.5, 0.77, 1.0}) {
      const double injected = p.injected_end_point * std::pow(s, p.injected_exponent);
      const double displaced =
          p.displaced_end_point * std::pow(1 - s, p.displaced_exponent) / p.viscosity_ratio;
      EXPECT_NEAR(f.mobility(s), injected + displaced, 1e-14);
      EXPECT_NEAR(f.flow(s), injected / (injected + displaced), 1e-14);
      EXPECT_NEAR(f.at(s).flow, f.flow(s), 1e-14);
    }
  }
}

TEST(Fluids, SlopeIsTheDerivativeAndLargestAtTheInflection) {
  for (const Fluids& p : kMany) {
    const FractionalFlow f(p);
    for (int i = 1; i < 400; ++i) {
      const double s = i / 400.0;
      const double h = 1e-6;
      EXPECT_NEAR(f.at(s).slope, (f.flow(s + h) - f.flow(s - h)) / (2 * h), 1e-6 * f.steepest()) << s;
      EXPECT_LE(f.at(s).slope, f.steepest() * (1 + 1e-12));
    }
    EXPECT_EQ(f.at(f.inflection()).slope, f.steepest());
  }
}

TEST(Fluids, SaturationAndMobilePartAreInverse) {
  Fluids p;
  p.injected_residual = 0.2;
  p.displaced_residual = 0.25;
  const FractionalFlow f(p);
  EXPECT_DOUBLE_EQ(f.saturation(0.0), 0.2);
  EXPECT_DOUBLE_EQ(f.saturation(1.0), 0.75);
  EXPECT_NEAR(f.mobile_part(f.saturation(0.3)), 0.3, 1e-15);
}

TEST(Fluids, NamedOnesAreUsableAndOthersRefused) {
  for (const std::string& name : fluid_names()) EXPECT_NO_THROW(check_fluids(named_fluids(name))) << name;
  EXPECT_THROW(named_fluids("mud"), InvalidInput);
  const FractionalFlow tracer(named_fluids("tracer"));
  for (double s : {0.0, 0.3, 1.0}) {
    EXPECT_DOUBLE_EQ(tracer.flow(s), s);
    EXPECT_DOUBLE_EQ(tracer.mobility(s), 1.0);
  }
}

TEST(Fluids, WhatCannotBeIsRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Fluids& p : {fluids(0, 2, 2), fluids(-1, 2, 2), fluids(nan, 2, 2), fluids(5, 0.5, 2),
                          fluids(5, 2, nan), fluids(5, 2, 2, 0), fluids(5, 2, 2, 1, 1.5)})
    EXPECT_THROW(FractionalFlow{p}, InvalidInput);
  Fluids p;
  p.injected_residual = 0.5;
  p.displaced_residual = 0.5;
  EXPECT_THROW(FractionalFlow{p}, InvalidInput);
  p.injected_residual = -0.1;
  EXPECT_THROW(FractionalFlow{p}, InvalidInput);
}

}  // namespace
}  // namespace mano
