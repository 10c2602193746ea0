#include "solver/darcy_solver.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "core/norms.hpp"
#include "solver/flow.hpp"
#include "solver/problems.hpp"
#include "solver/stencil.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

constexpr SolverOptions kTight{.relative_tolerance = 1e-12};
constexpr SolverOptions kTightAlone{.relative_tolerance = 1e-12, .ranks = SolverOptions::Ranks::self};

double largest_value(const Field& f) {
  double largest = 0;
  for (double v : f.values) largest = std::max(largest, std::abs(v));
  return largest;
}

// Layers across the flow: p is linear within each layer, and the flux is 1 / sum(d / k).
TEST(DarcySolver, IsExactForLayersInSeries) {
  const Grid g{7, 3, 2.0, 1.0};
  const std::vector<double> layer{3.0, 0.1, 5.0, 100.0, 0.2, 7.0, 1.0};
  const Problem problem = make_problem(
      "drive", sampled(g, [&](double x, double) { return layer[static_cast<int>(x / g.hx())]; }));
  const SolveResult result = solve_darcy(problem, kTight);
  ASSERT_TRUE(result.converged) << result.reason;
  double resistance = 0;
  for (double k : layer) resistance += g.hx() / k;
  double before = 0;
  for (int i = 0; i < g.nx; ++i) {
    const double exact = 1 - (before + 0.5 * g.hx() / layer[i]) / resistance;
    before += g.hx() / layer[i];
    for (int j = 0; j < g.ny; ++j) EXPECT_NEAR(result.pressure(i, j), exact, tolerance::kSolver);
  }
  const auto out = outflow(problem, result.pressure);
  EXPECT_NEAR(out[1] * resistance, 1.0, tolerance::kSolver);
}

TEST(DarcySolver, ConservesMassInEveryCellAndOverall) {
  for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
    const Problem problem = make_problem(problem_name, rough_permeability({19, 23, 1.0, 3.0}));
    const SolveResult result = solve_darcy(problem, kTight);
    ASSERT_TRUE(result.converged) << problem_name << ": " << result.reason;
    const Stencil stencil(problem);
    const Field defect = residual(stencil, result.pressure);
    double inflow = 0;
    for (double b : stencil.rhs) inflow += std::abs(b);
    EXPECT_LT(largest_value(defect), tolerance::kSolver * inflow) << problem_name;
    const auto out = outflow(problem, result.pressure);
    const double source = std::accumulate(problem.source.values.begin(), problem.source.values.end(), 0.0) *
                          problem.grid().hx() * problem.grid().hy();
    EXPECT_NEAR(out[0] + out[1] + out[2] + out[3] - source, 0.0, tolerance::kSolver * inflow) << problem_name;
  }
}

TEST(DarcySolver, ObeysTheMaximumPrincipleOnRoughRock) {
  for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
    const Problem problem = make_problem(problem_name, rough_permeability({31, 17}));
    const SolveResult result = solve_darcy(problem, kTight);
    ASSERT_TRUE(result.converged) << problem_name;
    EXPECT_EQ(maximum_principle_violation(problem, result.pressure), "") << problem_name;
  }
}

TEST(DarcySolver, PinsTheMeanOfTheFiveSpot) {
  const Problem problem = make_problem("five-spot", rough_permeability({16, 16}));
  const SolveResult result = solve_darcy(problem, kTight);
  ASSERT_TRUE(result.converged) << result.reason;
  const double mean =
      std::accumulate(result.pressure.values.begin(), result.pressure.values.end(), 0.0) / 256;
  EXPECT_NEAR(mean, 0.0, tolerance::kExact * largest_value(result.pressure));
  EXPECT_GT(result.pressure(0, 0), result.pressure(15, 15));
}

// Sizes from a single cell to primes, also thin domains: every rank count must take them.
TEST(DarcySolver, AllRanksTogetherAgreeWithOneAlone) {
  for (const Grid& grid :
       {Grid{1, 1}, Grid{1, 9}, Grid{13, 1, 5.0, 0.1}, Grid{2, 3}, Grid{37, 29, 3.0, 1.0}, Grid{64, 48}}) {
    for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
      const Problem problem = make_problem(problem_name, rough_permeability(grid));
      const SolveResult together = solve_darcy(problem, kTight);
      const SolveResult alone = solve_darcy(problem, kTightAlone);
      ASSERT_TRUE(together.converged && alone.converged)
          << problem_name << " " << grid.resolution() << together.reason;
      EXPECT_LE(largest_error(together.pressure, alone.pressure),
                tolerance::kSolver * largest_value(alone.pressure))
          << problem_name << " " << grid.resolution();
    }
  }
}

// The multigrid on all ranks, or on two of three; a rank that takes no part is told.
TEST(DarcySolver, RanksShareTheMultigrid) {
  Grid volume{24, 48};
  volume.nz = 16;
  for (const Grid& grid : {Grid{160, 160}, volume}) {
    for (const char* problem_name : {"benchmark", "five-spot"}) {
      Field k = rough_permeability(grid);
      for (double& value : k.values) value = std::pow(value, 0.3);
      const Problem problem = make_problem(problem_name, std::move(k));
      const SolveResult together = solve_darcy(problem, kTight);
      const SolveResult alone = solve_darcy(problem, kTightAlone);
      EXPECT_EQ(together.method, alone.method);
      EXPECT_NEAR(together.iterations, alone.iterations, 1);
      EXPECT_LE(largest_error(together.pressure, alone.pressure), 1e-10 * largest_value(alone.pressure))
          << problem_name << " " << grid.resolution();
    }
  }
}

TEST(DarcySolver, ReportsTheTrueResidual) {
  const Problem problem = make_problem("benchmark", rough_permeability({40, 40}));
  const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-6});
  EXPECT_TRUE(result.converged);
  EXPECT_GT(result.iterations, 1);
  EXPECT_DOUBLE_EQ(result.relative_residual, relative_residual(Stencil(problem), result.pressure));
  EXPECT_LT(result.relative_residual, 1e-6);
  EXPECT_GT(result.relative_residual, 1e-12);
  EXPECT_GE(result.seconds_setup, 0);
  EXPECT_GT(result.seconds_solve, 0);
}

}  // namespace
}  // namespace mano
