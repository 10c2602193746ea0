// Time of flight against exact solutions.
#include "solver/time_of_flight.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "core/error.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/problems.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

using Type = BoundaryCondition::Type;

Field solved(const Problem& problem) {
  const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-12});
  EXPECT_TRUE(result.converged);
  return result.pressure;
}

// Each layer has its own permeability and porosity: tau = phi x / u, at the downstream face of every cell.
TEST(TimeOfFlight, IsExactForLayersAlongTheFlow) {
  const Grid g{17, 5, 3.0, 2.0};
  Field k(g), phi(g);
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      k(i, j) = std::pow(10.0, j - 2);
      phi(i, j) = 0.1 + 0.05 * j;
    }
  }
  const Problem problem = make_problem("drive", k);
  const Field tau = time_of_flight(problem, solved(problem), phi);
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const double x = (i + 1) * g.hx();
      const double exact = phi(i, j) * x / (k(i, j) * 1.0 / g.lx);
      EXPECT_NEAR(tau(i, j) / exact, 1.0, 1e-8) << i << ", " << j;
    }
  }
}

// u = (-x, y) on [1, 2] x [0, 1], in through the right side alone: tau = phi ln(2 / x). The discrete pressure is exact.
double mean_error_of_hyperbolic_flow(int n) {
  const Grid g{n, n, 1.0, 1.0};
  Problem problem = make_problem("closed", Field(g, 1.0));
  problem.on(Side::left) = constant_boundary(g, Side::left, Type::flux, 1.0);
  problem.on(Side::right) = constant_boundary(g, Side::right, Type::flux, -2.0);
  problem.on(Side::back) = constant_boundary(g, Side::back, Type::flux, 1.0);
  const Field phi(g, 0.25);
  const Field tau = time_of_flight(problem, solved(problem), phi);
  double sum = 0.0;
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < n; ++i) sum += std::abs(tau(i, j) - 0.25 * std::log(2 / (1 + g.x(i))));
  }
  return sum / static_cast<double>(g.cells());
}

TEST(TimeOfFlight, ConvergesWithOrderOne) {
  double before = mean_error_of_hyperbolic_flow(16);
  for (int n : {32, 64, 128}) {
    const double error = mean_error_of_hyperbolic_flow(n);
    EXPECT_NEAR(std::log2(before / error), 1.0, tolerance::kOrder) << n << ": " << error;
    before = error;
  }
  EXPECT_LT(before, 0.25 * std::log(2.0) * 0.02);
}

// A well in the middle of a large square: tau = phi pi r^2 / rate. Upwinding smears by a cell.
TEST(TimeOfFlight, AroundAWell) {
  const Grid g{161, 161, 1.0, 1.0};
  Problem problem = make_problem("closed", Field(g, 1.0));
  for (Side side : sides_of(g)) problem.on(side) = constant_boundary(g, side, Type::pressure, 0.0);
  problem.wells = {{80, 80, Well::Control::rate, 3.0}};
  const Field tau = time_of_flight(problem, solved(problem), Field(g, 0.2));
  for (int i : {100, 110, 120}) {
    const double r = (i - 80) * g.hx();
    const double exact = 0.2 * std::numbers::pi * r * r / 3.0;
    EXPECT_NEAR(tau(i, 80) / exact, 1.0, 0.12) << r;
    EXPECT_NEAR(tau(80, i), tau(i, 80), 1e-9 * exact);
    const double swept = swept_volume(problem, Field(g, 0.2), tau, exact);
    EXPECT_NEAR(swept / (exact * 3.0), 1.0, 0.1) << r;  // before breakthrough all that came in
  }
}

// What leaves by all outlets carries the pore volume: sum of flow out * tau = pore volume of the cells that flow, for any rock.
TEST(TimeOfFlight, ConservesPoreVolume) {
  const Grid g{24, 19, 2.0, 1.0};
  Problem problem = make_problem("drive", rough_permeability(g));
  problem.wells = {{3, 4, Well::Control::rate, -0.5}, {12, 9, Well::Control::rate, 0.75}};
  const Field phi = sampled(g, [](double x, double y) { return 0.2 + 0.1 * std::sin(7 * x + 3 * y); });
  const Field pressure = solved(problem);
  const Field tau = time_of_flight(problem, pressure, phi);
  const FaceFlux flux = face_flux(problem, pressure);
  double carried = 0.5 * tau(3, 4);
  for (int j = 0; j < g.ny; ++j) {
    const std::size_t row = static_cast<std::size_t>(j) * (g.nx + 1);
    carried += std::max(0.0, -flux.ux[row]) * g.hy() * tau(0, j);
    carried += std::max(0.0, flux.ux[row + g.nx]) * g.hy() * tau(g.nx - 1, j);
  }
  double flowing = 0.0;
  for (std::size_t c = 0; c < g.cells(); ++c)
    flowing += std::isfinite(tau.values[c]) ? phi.values[c] * g.hx() * g.hy() : 0.0;
  EXPECT_NEAR(carried / flowing, 1.0, 1e-6);
  EXPECT_GT(flowing, 0.9 * pore_volume(problem, phi));
}

// A dead end of active cells between inactive ones: nothing flows there, and what passes by is no older for it.
TEST(TimeOfFlight, IsInfiniteInDeadEnds) {
  const Grid g{12, 5, 1.0, 1.0};
  CellMask active{g, std::vector<std::uint8_t>(g.cells(), 1)};
  for (int i = 0; i < g.nx; ++i) {
    for (int j = 1; j < g.ny; ++j) active.values[g.index(i, j)] = i == 6 && j < 4 ? 1 : 0;
  }
  const Problem problem = make_problem("drive", Field(g, 1.0), active);
  const Field tau = time_of_flight(problem, solved(problem), Field(g, 0.3));
  for (int i = 0; i < g.nx; ++i) EXPECT_NEAR(tau(i, 0), 0.3 * (i + 1) * g.hx(), 1e-8) << i;
  for (int j = 1; j < 4; ++j) EXPECT_TRUE(std::isinf(tau(6, j))) << j;
  EXPECT_TRUE(std::isnan(tau(6, 4)));
  EXPECT_TRUE(std::isnan(tau(0, 1)));
  EXPECT_NEAR(pore_volume(problem, Field(g, 0.3)), 0.3 * 15.0 / 60.0, 1e-12);
  EXPECT_NEAR(swept_volume(problem, Field(g, 0.3), tau, 1.0), 0.3 * 12.0 / 60.0, 1e-12);
}

TEST(TimeOfFlight, RefusesPorositiesThatAreNone) {
  const Grid g{3, 3};
  const Problem problem = make_problem("drive", Field(g, 1.0));
  EXPECT_THROW(time_of_flight(problem, Field(g), Field(g, -0.1)), InvalidInput);
  EXPECT_THROW(time_of_flight(problem, Field(g), Field(Grid{4, 3}, 0.1)), InvalidInput);
}

}  // namespace
}  // namespace mano
