// Three dimensions: layers, wells through layers, and every set-up against an elimination written from the definition.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/problems.hpp"
#include "solver/regions.hpp"
#include "solver/stencil.hpp"
#include "solver/time_of_flight.hpp"
#include "solver/volume_elimination.hpp"

namespace mano {
namespace {

using Type = BoundaryCondition::Type;
using std::numbers::pi;

Field solved(const Problem& problem) {
  const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-12});
  EXPECT_TRUE(result.converged) << result.reason;
  EXPECT_LT(mass_balance_error(problem, result.pressure), 1e-10);
  return result.pressure;
}

// Layers across any axis: in series along it, in parallel along the other two.
TEST(Volume, LayersInSeriesAndParallelAreExact) {
  const Grid g{.nx = 5, .ny = 6, .lx = 3.0, .ly = 2.0, .nz = 4, .lz = 0.1};
  const std::array<double, 3> length{g.lx, g.ly, g.lz};
  for (int across = 0; across < 3; ++across) {
    Field k(g);
    const int n = std::array{g.nx, g.ny, g.nz}[across];
    std::vector<double> layer(n);
    double arithmetic = 0.0, resistance = 0.0;
    for (int l = 0; l < n; ++l) {
      layer[l] = std::pow(10.0, l % 2 == 0 ? -2 + l : 3 - l);
      arithmetic += layer[l] / n;
      resistance += 1 / layer[l] / n;
    }
    for (std::size_t c = 0; c < g.cells(); ++c) {
      const std::array<std::size_t, 3> at{c % g.nx, c / g.nx % g.ny, c / g.layer()};
      k.values[c] = layer[at[across]];
    }
    const Problem rock = make_problem("closed", k);
    for (int along = 0; along < 3; ++along) {
      const Problem problem = flow_along(static_cast<Axis>(along), rock);
      const auto out = outflow(problem, solved(problem));
      const double section = g.lx * g.ly * g.lz / length[along];
      const double expected = (along == across ? 1 / resistance : arithmetic) * section / length[along];
      EXPECT_NEAR(out[2 * along + 1], expected, 1e-10 * expected) << across << " " << along;
      EXPECT_NEAR(out[2 * along], -expected, 1e-10 * expected) << across << " " << along;
    }
  }
}

struct Draw {
  std::mt19937 random;
  double between(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  }
  double log_between(double low, double high) { return std::exp(between(std::log(low), std::log(high))); }
};

// A random rock in a random set-up: cells of any aspect, kz and ky of their own, a mask, wells.
Problem random_problem(unsigned seed) {
  Draw draw{std::mt19937(seed)};
  const auto size = [&] { return static_cast<int>(draw.between(2, 7.99)); };
  const Grid g{.nx = size(),
               .ny = size(),
               .lx = draw.log_between(1, 100),
               .ly = draw.log_between(1, 100),
               .nz = size(),
               .lz = draw.log_between(0.1, 10)};
  const double contrast = draw.log_between(1, 1e8);
  const auto rock = [&] {
    Field k(g);
    for (double& v : k.values) v = draw.log_between(1 / contrast, 1);
    return k;
  };
  CellMask mask{g, std::vector<std::uint8_t>(g.cells(), 1)};
  const double inactive = seed % 3 == 0 ? 0.0 : draw.between(0, 0.4);
  for (auto& value : mask.values) value = draw.between(0, 1) >= inactive;
  for (int k = 0; k < g.nz; ++k)
    mask.values[g.index(0, 0, k)] = mask.values[g.index(g.nx - 1, g.ny - 1, k)] = 1;
  if (inactive == 0.0) mask = {};
  const char* names[] = {"benchmark", "drive", "five-spot", "closed"};
  Problem problem = make_problem(names[seed % 4], rock(), mask);
  if (seed % 2 == 0) problem.permeability_y = rock();
  if (seed % 5 != 0) problem.permeability_z = rock();
  const double radius = 1e-3 * std::min(g.hx(), g.hy());
  if (seed % 4 == 3) {  // nothing else drives a closed one; top or bottom let it out
    problem.on(Side::bottom) = constant_boundary(g, Side::bottom, Type::flux, draw.between(-1, 1));
    problem.on(Side::top) = constant_boundary(g, Side::top, Type::pressure, draw.between(-1, 1));
    for (std::size_t c = 0; c < g.layer(); ++c) {
      if (!problem.active[g.cells() - g.layer() + c]) problem.on(Side::bottom).values[c] = 0.0;
    }
  }
  if (seed % 8 == 2) {  // bores, and no pressure anywhere
    for (Well& w : problem.wells) w.radius = radius;
  }
  if (seed % 4 != 2) {
    problem.wells.push_back({0, 0, Well::Control::rate, draw.between(-1, 1), radius, 0, g.nz - 1});
    problem.wells.push_back(
        {g.nx - 1, g.ny - 1, Well::Control::pressure, draw.between(-1, 1), radius, g.nz / 2, g.nz - 1});
    problem.wells.push_back({0, 0, Well::Control::rate, draw.between(-1, 1), 0.0, g.nz / 2, g.nz - 1});
  }
  drop_islands(problem);
  return problem;
}

TEST(Volume, EverySetUpAgreesWithAnElimination) {
  int compared = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Problem problem = random_problem(seed);
    try {
      check_problem(problem);
    } catch (const InvalidInput&) {
      continue;  // the mask cuts something off
    }
    ++compared;
    const VolumeElimination::Solution exact = VolumeElimination(problem).solve();
    const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-12});
    ASSERT_TRUE(result.converged) << seed << " " << result.reason;
    EXPECT_LT(relative_l2(result.pressure, exact.pressure), 1e-8) << seed;
    EXPECT_LT(mass_balance_error(problem, result.pressure), 1e-10) << seed;
    EXPECT_EQ(maximum_principle_violation(problem, result.pressure), "") << seed;
    std::size_t bore = 0;
    const double scale = norm(exact.pressure.values) / std::sqrt(static_cast<double>(problem.grid().cells()));
    const auto states = well_states(problem, result.pressure);
    for (std::size_t w = 0; w < states.size(); ++w) {
      double sum = 0.0;
      for (const auto& layer : states[w].layers) sum += layer.rate;
      EXPECT_NEAR(sum, states[w].rate, 1e-8 * std::max(1.0, std::abs(states[w].rate))) << seed;
      const bool unknown = problem.wells[w].control == Well::Control::rate && problem.wells[w].radius > 0;
      if (!unknown) continue;
      EXPECT_NEAR(states[w].pressure, exact.bores.at(bore++),
                  1e-8 * std::max(scale, std::abs(states[w].pressure)))
          << seed;
    }
  }
  EXPECT_GT(compared, 140);
}

// G. Thiem (1906): a line well of rate q through uniform layers of a thickness l; p = -q ln(r) / (2 pi k l) at the sides.
TEST(Volume, ALineWellFollowsThiem) {
  constexpr int n = 21;
  constexpr double k = 5.0, rate = 2.0, radius = 0.01, depth = 30.0;
  const Grid g{.nx = n, .ny = n, .lx = 100.0, .ly = 100.0, .nz = 5, .lz = depth};
  const auto thiem = [&](double r) { return -rate / (2 * pi * k * depth) * std::log(r); };
  for (const bool by_rate : {true, false}) {
    Problem problem = make_problem("closed", Field(g, k));
    problem.permeability_z = Field(g, 0.1 * k);
    for (Side side : {Side::left, Side::right, Side::front, Side::back}) {
      problem.on(side).type = Type::pressure;
      for (int b = 0; b < g.nz; ++b) {
        for (int c = 0; c < n; ++c)
          problem.on(side).values[static_cast<std::size_t>(b) * n + c] =
              thiem(std::hypot(50.0, g.x(c) - 50.0));
      }
    }
    const auto control = by_rate ? Well::Control::rate : Well::Control::pressure;
    problem.wells.push_back({n / 2, n / 2, control, by_rate ? rate : thiem(radius), radius, 0, g.nz - 1});
    const Field p = solved(problem);
    const WellState state = well_states(problem, p)[0];
    EXPECT_NEAR(state.pressure, thiem(radius), 5e-3 * std::abs(thiem(radius) - thiem(50)));
    EXPECT_NEAR(state.rate, rate, 5e-3 * rate);
    ASSERT_EQ(state.layers.size(), 5U);
    for (const auto& layer : state.layers) EXPECT_NEAR(layer.rate, state.rate / 5, 1e-8 * rate);
    EXPECT_NEAR(p(n / 2 + 6, n / 2, 2), thiem(6 * g.hx()), 5e-3 * std::abs(thiem(radius) - thiem(50)));
  }
}

// Equal layers one above the other, nothing across them, are the flat problem once in each.
TEST(Volume, EqualLayersAreTheFlatProblem) {
  const Grid flat{13, 9, 2.0, 1.0};
  Grid g = flat;
  g.nz = 3;
  g.lz = 3.0;  // layers of unit thickness
  Field k(g);
  const Field k2 = rough_permeability(flat);
  for (std::size_t c = 0; c < g.cells(); ++c) k.values[c] = k2.values[c % flat.cells()];
  for (const char* name : {"drive", "five-spot"}) {
    const Problem one = make_problem(name, k2);
    Problem three = make_problem(name, k);
    for (Well& w : three.wells) w.value *= 3;
    const Field p2 = solved(one);
    const Field p3 = solved(three);
    Field repeated(g);
    for (std::size_t c = 0; c < g.cells(); ++c) repeated.values[c] = p2.values[c % flat.cells()];
    EXPECT_LT(relative_l2(p3, repeated), 1e-8) << name;
    const Field tau2 = time_of_flight(one, p2, Field(flat, 0.2));
    const Field tau3 = time_of_flight(three, repeated, Field(g, 0.2));
    for (std::size_t c = 0; c < g.cells(); ++c)
      EXPECT_NEAR(tau3.values[c], tau2.values[c % flat.cells()], 1e-6 * tau2.values[c % flat.cells()]) << c;
    EXPECT_NEAR(pore_volume(three, Field(g, 0.2)), 3 * pore_volume(one, Field(flat, 0.2)), 1e-12);
  }
}

// Along z at the flux q a layer of porosity phi takes phi hz / q.
TEST(Volume, TimeOfFlightAlongZIsExact) {
  const Grid g{.nx = 3, .ny = 2, .lx = 3.0, .ly = 2.0, .nz = 5, .lz = 10.0};
  const Problem problem = flow_along(Axis::z, make_problem("closed", Field(g, 4.0)));
  const Field p = solved(problem);
  const double flux = 4.0 * 1.0 / 10.0;
  Field pore(g);
  for (int k = 0; k < g.nz; ++k) {
    for (std::size_t c = 0; c < g.layer(); ++c) pore.values[g.index(0, 0, k) + c] = 0.1 + 0.05 * k;
  }
  const Field tau = time_of_flight(problem, p, pore);
  double expected = 0.0;
  for (int k = 0; k < g.nz; ++k) {
    expected += (0.1 + 0.05 * k) * 2.0 / flux;
    EXPECT_NEAR(tau(1, 1, k), expected, 1e-8 * expected);
  }
  EXPECT_NEAR(cell_flux(problem, p).z(2, 1, 3), flux, 1e-9);  // downward
}

TEST(Volume, SidesAreNamedInPlanAndInSpace) {
  const Grid flat{4, 3};
  const Grid volume{.nx = 4, .ny = 3, .nz = 2};
  EXPECT_EQ(side_named("bottom", flat), Side::front);
  EXPECT_EQ(side_named("front", flat), Side::front);
  EXPECT_EQ(side_named("top", flat), Side::back);
  EXPECT_EQ(side_named("bottom", volume), Side::bottom);
  EXPECT_EQ(side_named("front", volume), Side::front);
  EXPECT_EQ(name_of(Side::back, flat), "top");
  EXPECT_EQ(name_of(Side::back, volume), "back");
  EXPECT_EQ(sides_of(flat).size(), 4U);
}

// A bore joins what inactive cells keep apart; a rate without a bore does not.
TEST(Volume, ABoreJoinsRegions) {
  const Grid g{.nx = 3, .ny = 4, .lx = 3.0, .ly = 4.0, .nz = 3, .lz = 1.0};
  CellMask mask{g, std::vector<std::uint8_t>(g.cells(), 1)};
  std::fill_n(mask.values.begin() + static_cast<std::ptrdiff_t>(g.layer()), g.layer(), 0);
  Problem problem = make_problem("closed", Field(g, 2.0), mask);
  problem.on(Side::top) = constant_boundary(g, Side::top, Type::pressure, 1.0);
  problem.source = Field(g, 0.25);
  problem.wells.push_back({1, 2, Well::Control::rate, 0.5, 1e-2, 0, 2});
  EXPECT_NO_THROW(check_problem(problem));
  EXPECT_EQ(regions_of(problem).list.size(), 1U);
  const Field p = solved(problem);
  EXPECT_LT(relative_l2(p, VolumeElimination(problem).solve().pressure), 1e-9);
  // The lower layer's source can leave by the bore alone.
  EXPECT_NEAR(well_states(problem, p)[0].layers[1].rate, -0.25 * 4.0, 1e-9);
  EXPECT_NEAR(outflow(problem, p)[static_cast<int>(Side::top)], 0.25 * 8.0 + 0.5, 1e-9);
  problem.wells[0].radius = 0.0;
  EXPECT_THROW(check_problem(problem), InvalidInput);
}

TEST(Volume, WellsLeaveOutInactiveLayers) {
  const Grid g{.nx = 3, .ny = 3, .nz = 4};
  CellMask mask{g, std::vector<std::uint8_t>(g.cells(), 1)};
  mask.values[g.index(1, 1, 2)] = 0;
  Problem problem = make_problem("drive", Field(g, 2.0), mask);
  problem.wells.push_back({1, 1, Well::Control::rate, 1.0, 1e-3, 1, 3});
  const auto open = completions(problem, problem.wells[0]);
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[0].layer, 1);
  EXPECT_EQ(open[1].layer, 3);
  EXPECT_DOUBLE_EQ(open[1].share, 0.5);
  problem.wells[0].first_layer = problem.wells[0].last_layer = 2;
  EXPECT_THROW(check_problem(problem), InvalidInput);
  problem.wells[0].last_layer = 4;
  EXPECT_THROW(check_problem(problem), InvalidInput);
}

}  // namespace
}  // namespace mano
