#include "displacement/simulator.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.hpp"
#include "core/resample.hpp"
#include "displacement/rocks.hpp"
#include "displacement/step_doubling.hpp"
#include "solver/time_of_flight.hpp"

namespace mano {
namespace {

constexpr TransportScheme kSchemes[] = {TransportScheme::theta, TransportScheme::implicit,
                                        TransportScheme::explicit_};
constexpr double kBalance = 1e-12;  // of a step; what is asked for is 1e-10

double change(const Displacement& d, const SimulationResult& a, const SimulationResult& b,
              std::size_t snapshot) {
  return saturation_difference(d, a.snapshots.at(snapshot).saturation, b.snapshots.at(snapshot).saturation);
}

double in_place(const Displacement& d, const Field& saturation) {
  double sum = 0.0;
  for (std::size_t c = 0; c < saturation.values.size(); ++c) {
    if (d.problem.active[c]) sum += d.pore.values[c] * saturation.values[c];
  }
  return sum * saturation.grid.hx() * saturation.grid.hy();
}

TEST(Simulator, ConservesMassInEveryStep) {
  for (TransportScheme scheme : kSchemes) {
    SimulationOptions options = until(0.6, 4);
    options.transport = scheme;
    const Displacement d = five_spot(patchy(Grid{24, 20, 2.0, 1.0}, 1, 100));
    const SimulationResult r = simulate(d, options);
    EXPECT_LT(r.mass_balance_error, kBalance) << to_string(scheme);
    // All of it at once: what was injected is in place or has left, and what has left in its place was the displaced fluid.
    for (const Snapshot& s : r.snapshots)
      EXPECT_NEAR(in_place(d, s.saturation), s.at.produced, 1e-9) << to_string(scheme);
  }
}

TEST(Simulator, FiveSpotIsSymmetricAboutTheDiagonal) {
  const Grid g{24, 24};
  Field k = patchy(g, 2, 10);
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < j; ++i) k(i, j) = k(j, i);
  }
  for (TransportScheme scheme : kSchemes) {
    SimulationOptions options = until(0.5, 2);
    options.transport = scheme;
    const SimulationResult r = simulate(five_spot(k), options);
    for (const Snapshot& s : r.snapshots) {
      for (int j = 0; j < g.ny; ++j) {
        for (int i = 0; i < j; ++i)
          EXPECT_NEAR(s.saturation(i, j), s.saturation(j, i), 1e-7) << to_string(scheme);
      }
    }
  }
}

// Schemes differ by steps alone: all tend to one limit.
TEST(Simulator, SchemesAgreeAsStepsShrink) {
  const Displacement d = five_spot(patchy(Grid{16, 16}, 3));
  const auto run = [&](TransportScheme scheme, double step) {
    SimulationOptions options = until(0.4);
    options.transport = scheme;
    options.longest_step = step;
    options.step_tolerance = 1e9;
    options.first_step = step;
    return simulate(d, options);
  };
  const SimulationResult limit = run(TransportScheme::explicit_, 1e-4);
  EXPECT_LT(change(d, run(TransportScheme::implicit, 2.5e-4), limit, 0), 4e-3);
  double before = 1.0;
  for (double step : {4e-3, 1e-3, 2.5e-4}) {
    const double difference = change(d, run(TransportScheme::implicit, step), limit, 0);
    EXPECT_LT(difference, 0.4 * before) << step;  // a quarter, where it is of first order
    before = difference;
    EXPECT_LT(change(d, run(TransportScheme::theta, step), limit, 0), 3e-3 + step) << step;
  }
}

TEST(Simulator, FlowAndTransportTogetherAreOfSecondOrderInTheStep) {
  const Displacement d = five_spot(patchy(Grid{13, 13}, 3));
  const auto run = [&](double step) {
    SimulationOptions options = until(0.4);
    options.steps.assign(static_cast<std::size_t>(std::round(0.4 / step)), step);
    return simulate(d, options);
  };
  const SimulationResult limit = run(2.5e-4);
  const double coarse = change(d, run(4e-3), limit, 0);
  const double fine = change(d, run(2e-3), limit, 0);
  EXPECT_GT(coarse / fine, 3.0) << coarse << " " << fine;
  EXPECT_LT(coarse, 1e-3);
}

TEST(Simulator, FiveSpotConvergesAsTheGridIsRefined) {
  const auto on = [&](int n) { return simulate(five_spot(Field(Grid{n, n}, 1.0)), until(0.35, 1, 0.15)); };
  const Field finest = on(128).snapshots[0].saturation;
  double before = 1.0;
  for (int n : {8, 16, 32}) {
    const Field exact = restrict_to(finest, {n, n}, Location::cell);
    const Field s = on(n).snapshots[0].saturation;
    double l1 = 0.0;
    for (std::size_t c = 0; c < s.values.size(); ++c)
      l1 += std::abs(s.values[c] - exact.values[c]) / static_cast<double>(s.values.size());
    EXPECT_LT(l1, 0.72 * before) << n;
    before = l1;
  }
  EXPECT_LT(before, 0.03);
}

// A tracer moves with the flow: s = 1 where the time of flight has passed. In layers both are exact but for the smearing of the front.
TEST(Simulator, TracerFollowsTheTimeOfFlight) {
  const Grid g{128, 4};
  Field k(g);
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) k(i, j) = j + 1.0;
  }
  Displacement d{make_problem("drive", k), Field(g, 0.5), named_fluids("tracer")};
  const SimulationResult r = simulate(d, until(0.3, 1, 0.1));
  const Field tau = time_of_flight(d.problem, r.snapshots[0].pressure, d.pore);
  const double time = r.snapshots[0].at.time;
  for (int j = 0; j < g.ny; ++j) {
    double filled = 0.0, passed = 0.0;
    for (int i = 0; i < g.nx; ++i) {
      filled += r.snapshots[0].saturation(i, j) / g.nx;
      passed += tau(i, j) <= time ? 1.0 / g.nx : 0.0;
      const double s = r.snapshots[0].saturation(i, j);
      EXPECT_TRUE(tau(i, j) > 0.6 * time || s > 0.95) << i << "," << j;
      EXPECT_TRUE(tau(i, j) < 1.5 * time || s < 0.05) << i << "," << j;
    }
    EXPECT_NEAR(filled, passed, 1.0 / g.nx) << j;  // what entered the layer by then
  }
}

TEST(Simulator, TimeIsPoreVolumeOverRate) {
  Displacement d = five_spot(Field(Grid{8, 8, 4.0, 2.0}, 1.0));
  for (double& pore : d.pore.values) pore = 0.25;
  d.problem.wells[0].value = 3.0;
  d.problem.wells[1].value = -3.0;
  const SimulationResult r = simulate(d, until(0.6, 3));
  EXPECT_DOUBLE_EQ(r.pore_volume, 2.0);
  for (const Snapshot& s : r.snapshots) EXPECT_NEAR(s.at.time, s.at.pore_volumes * 2.0 / 3.0, 1e-12);
}

TEST(Simulator, WellsSidesAndCurvesAreReported) {
  const Grid g{16, 12, 4.0, 3.0};
  Displacement d{make_problem("closed", patchy(g, 4)), Field(g, 0.2), Fluids{}};
  d.problem.wells = {{2, 2, Well::Control::rate, 1.0, 0.01}, {13, 9, Well::Control::pressure, -5.0, 0.01}};
  d.problem.on(Side::right) = constant_boundary(g, Side::right, BoundaryCondition::Type::pressure, -5.0);
  const SimulationResult r = simulate(d, until(1.0, 5));
  for (const CurvePoint& p : r.curve) {
    const OpeningState& right = p.sides[static_cast<int>(Side::right)];
    EXPECT_NEAR(p.wells[1].out + right.out, 1.0, 1e-6);
    EXPECT_EQ(p.wells[0].rate(), 1.0);
    EXPECT_EQ(p.wells[1].pressure, -5.0);
    EXPECT_GT(p.wells[0].pressure, -5.0);
    EXPECT_NEAR(p.cut, p.wells[1].out * p.wells[1].cut + right.out * right.cut, 1e-6);
    EXPECT_NEAR(right.injected() + right.displaced(), right.rate(), 1e-12);
  }
  EXPECT_GT(r.breakthrough, 0.1);
  EXPECT_LT(r.breakthrough, 1.0);
  // Recovery is what has left: the integral of 1 - cut.
  double integral = 0.0;
  for (std::size_t i = 1; i < r.curve.size(); ++i)
    integral += (r.curve[i].pore_volumes - r.curve[i - 1].pore_volumes) *
                (1 - 0.5 * (r.curve[i].cut + r.curve[i - 1].cut));
  EXPECT_NEAR(r.curve.back().recovery, integral, 5e-3);
}

TEST(Simulator, ResidualsBoundTheSaturation) {
  Fluids fluids;
  fluids.injected_residual = 0.2;
  fluids.displaced_residual = 0.3;
  fluids.viscosity_ratio = 20.0;
  const SimulationResult r = simulate(five_spot(patchy(Grid{16, 16}, 5, 50), fluids), until(2.0, 4));
  for (const Snapshot& s : r.snapshots) {
    for (double value : s.saturation.values) {
      EXPECT_GE(value, 0.2);
      EXPECT_LE(value, 0.7);
    }
  }
  EXPECT_GT(r.snapshots[3].saturation(0, 0), 0.69);
}

TEST(Simulator, InactiveCellsAnisotropyAndRockWithoutPores) {
  const Grid g{20, 16};
  CellMask mask{g, std::vector<std::uint8_t>(g.cells(), 1)};
  for (int j = 4; j < 12; ++j) mask.values[g.index(10, j)] = 0;
  Displacement d{make_problem("five-spot", patchy(g, 6), mask), Field(g, 0.3), Fluids{}};
  d.problem.permeability_y = d.problem.permeability;
  for (double& k : d.problem.permeability_y.values) k *= 0.1;
  for (int j = 4; j < 12; ++j) d.pore(10, j) = std::numeric_limits<double>::quiet_NaN();
  d.pore(5, 5) = d.pore(6, 9) = 0.0;
  const SimulationResult r = simulate(d, until(0.8, 2));
  EXPECT_LT(r.mass_balance_error, kBalance);
  EXPECT_NEAR(in_place(d, r.snapshots[1].saturation), r.snapshots[1].at.produced, 1e-9);
  for (int j = 4; j < 12; ++j) EXPECT_EQ(r.snapshots[1].saturation(10, j), 0.0);
  EXPECT_NEAR(r.pore_volume, 0.3 * (g.cells() - 8.0 - 2.0) / g.cells(), 1e-12);
}

// Whatever rock, fluids and drive: none fails, mass is conserved, saturation keeps to its bounds.
TEST(Simulator, NoRandomDrawFails) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::normal_distribution<double> normal;
  for (int draw = 0; draw < 300; ++draw) {
    const Grid g{3 + static_cast<int>(14 * uniform(random)), 2 + static_cast<int>(14 * uniform(random)),
                 1.0 + 3 * uniform(random), 1.0};
    Field k(g);
    const double deviation = 3 * uniform(random);
    for (double& value : k.values) value = std::exp(deviation * normal(random));
    Fluids fluids;
    fluids.viscosity_ratio = std::pow(10.0, -1 + 3 * uniform(random));
    fluids.injected_exponent = 1 + 4 * uniform(random) * (draw % 3 != 0);
    fluids.displaced_exponent = 1 + 4 * uniform(random) * (draw % 5 != 0);
    fluids.injected_end_point = 0.1 + 0.9 * uniform(random);
    fluids.injected_residual = 0.3 * uniform(random) * (draw % 2);
    fluids.displaced_residual = 0.3 * uniform(random) * (draw % 2);
    const char* const kProblems[] = {"five-spot", "drive", "five-spot", "benchmark"};
    const Displacement d{make_problem(kProblems[draw % 4], k), Field(g, 0.25), fluids};
    SimulationOptions options = until(0.7, 2, 0.1 + uniform(random));
    options.transport = kSchemes[draw % 7 == 0 ? 2 : draw % 2];
    SimulationResult r;
    ASSERT_NO_THROW(r = simulate(d, options)) << draw;
    EXPECT_LT(r.mass_balance_error, kBalance) << draw;
    for (const Snapshot& s : r.snapshots) {
      for (double value : s.saturation.values) {
        ASSERT_GE(value, fluids.injected_residual) << draw;
        ASSERT_LE(value, 1 - fluids.displaced_residual + 1e-15) << draw;
      }
      ASSERT_TRUE(s.at.cut >= 0 && s.at.cut <= 1 && s.at.recovery >= 0 && s.at.recovery <= 1) << draw;
    }
  }
}

TEST(Simulator, StepDoublingTellsTheError) {
  const Displacement d = five_spot(patchy(Grid{32, 32}, 8));
  const SimulationResult limit = simulate(d, until(0.5, 2, 0.02));
  for (double tolerance : {0.2, 0.4}) {
    const SimulationOptions options = until(0.5, 2, tolerance);
    const SimulationResult r = simulate(d, options);
    const StepError e = estimate_step_error(d, options, r);
    ASSERT_EQ(e.saturation.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
      const double error = change(d, r, limit, i);
      EXPECT_GT(e.saturation[i], 0.7 * error) << tolerance << " " << i;
      EXPECT_LT(e.saturation[i], 12 * error) << tolerance << " " << i;
    }
  }
}

TEST(Simulator, FollowsGivenStepsAndTimes) {
  const Displacement d = five_spot(Field(Grid{6, 6}, 1.0));
  SimulationOptions options = until(0.4, 2);
  options.steps = {0.1, 0.1, 0.05, 0.15};
  const SimulationResult r = simulate(d, options);
  EXPECT_EQ(r.steps.size(), 4u);
  EXPECT_EQ(r.snapshots[0].at.pore_volumes, 0.2);
  EXPECT_EQ(r.snapshots[1].at.pore_volumes, 0.4);
  options.steps = {0.1, 0.1};
  EXPECT_THROW(simulate(d, options), InvalidInput);
}

TEST(Simulator, WhatCannotBeIsRefused) {
  const Displacement good = five_spot(Field(Grid{6, 6}, 1.0));
  Displacement d = good;
  d.pore.values[3] = -0.1;
  EXPECT_THROW(simulate(d, until(0.1)), InvalidInput);
  d.pore = Field(d.problem.grid(), 0.0);
  EXPECT_THROW(simulate(d, until(0.1)), InvalidInput);
  d = good;
  d.problem = make_problem("closed", Field(Grid{6, 6}, 1.0));
  EXPECT_THROW(simulate(d, until(0.1)), InvalidInput);  // nothing is injected
  for (const std::vector<double>& times :
       {std::vector<double>{}, {0.0}, {0.2, 0.1}, {0.1, std::numeric_limits<double>::infinity()}}) {
    SimulationOptions options = until(0.1);
    options.snapshots = times;
    EXPECT_THROW(simulate(good, options), InvalidInput);
  }
}

}  // namespace
}  // namespace mano
