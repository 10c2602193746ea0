// Inactive cells: against a dense direct solution, by every method, on random masks with islands and on blobs.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "solver/correction.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/problems.hpp"
#include "solver/regions.hpp"
#include "solver/stencil.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

CellMask random_mask(const Grid& grid, double inactive, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform;
  CellMask mask{grid, std::vector<std::uint8_t>(grid.cells())};
  for (auto& value : mask.values) value = uniform(random) >= inactive;
  mask.values.front() = mask.values.back() = 1;  // wells of the five-spot
  return mask;
}

// The flow problem from its definition, without the stencil: unknowns are the active cells, joined by two half-cells in series. Elimination
// without pivoting; where the pressure is free, the last unknown is 0 and the mean is taken out.
std::vector<double> dense_solution(const Problem& p) {
  const Grid& g = p.grid();
  std::vector<int> unknown(g.cells(), -1);
  int n = 0;
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (p.active[c]) unknown[c] = n++;
  }
  std::vector<std::vector<double>> a(n, std::vector<double>(n + 1, 0.0));
  const auto half = [&](int i, int j, bool along_x) {
    const double k = along_x ? p.permeability(i, j) : p.along_y()(i, j);
    return along_x ? k * g.hy() / (g.hx() / 2) : k * g.hx() / (g.hy() / 2);
  };
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const int row = unknown[g.index(i, j)];
      if (row < 0) continue;
      a[row][n] += p.source(i, j) * g.hx() * g.hy();
      const auto towards = [&](int di, int dj, Side side) {
        const bool along_x = dj == 0;
        const int ni = i + di;
        const int nj = j + dj;
        const double own = half(i, j, along_x);
        if (ni >= 0 && ni < g.nx && nj >= 0 && nj < g.ny) {
          const int column = unknown[g.index(ni, nj)];
          if (column < 0) return;
          const double t = 1 / (1 / own + 1 / half(ni, nj, along_x));
          a[row][row] += t;
          a[row][column] -= t;
          return;
        }
        const double value = p.on(side).values[along_x ? j : i];
        if (p.on(side).type == BoundaryCondition::Type::pressure) {
          a[row][row] += own;
          a[row][n] += own * value;
        } else {
          a[row][n] -= value * (along_x ? g.hy() : g.hx());
        }
      };
      towards(-1, 0, Side::left);
      towards(1, 0, Side::right);
      towards(0, -1, Side::front);
      towards(0, 1, Side::back);
    }
  }
  for (const Well& w : p.wells) {
    const int row = unknown[g.index(w.i, w.j)];
    const bool held = w.control == Well::Control::pressure;
    if (held) a[row][row] += well_index(p, w);
    a[row][n] += held ? well_index(p, w) * w.value : w.value;
  }
  const int free = p.pressure_is_free() ? 1 : 0;
  for (int k = 0; k < n - free; ++k) {
    for (int r = k + 1; r < n; ++r) {
      const double factor = a[r][k] / a[k][k];
      if (factor == 0.0) continue;
      for (int c = k; c <= n; ++c) a[r][c] -= factor * a[k][c];
    }
  }
  std::vector<double> x(n, 0.0);
  for (int k = n - 1 - free; k >= 0; --k) {
    double sum = a[k][n];
    for (int c = k + 1; c < n; ++c) sum -= a[k][c] * x[c];
    x[k] = sum / a[k][k];
  }
  if (free) subtract_mean(x);
  std::vector<double> field(g.cells(), 0.0);
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (unknown[c] >= 0) field[c] = x[unknown[c]];
  }
  return field;
}

Problem masked(const char* name, const Field& permeability, double inactive, unsigned seed) {
  Problem problem = make_problem(name, permeability, random_mask(permeability.grid, inactive, seed));
  for (std::size_t c = 0; c < problem.active.values.size(); ++c) {  // what is there must not matter
    if (!problem.active[c]) problem.permeability.values[c] = c % 3 == 0 ? 0.0 : c % 3 == 1 ? -1e9 : NAN;
  }
  drop_islands(problem);
  return problem;
}

TEST(Inactive, EveryMethodAgreesWithADenseDirectSolution) {
  const Grid grid{19, 14, 2.0, 1.0};
  for (const char* name : {"benchmark", "drive", "five-spot"}) {
    int solved = 0;
    for (double part : {0.01, 0.1, 0.3, 0.45, 0.6}) {
      for (unsigned seed : {1u, 2u, 3u}) {
        const Problem problem = masked(name, rough_permeability(grid), part, seed);
        try {
          check_problem(problem);
        } catch (const InvalidInput&) {
          continue;  // nothing flows from side to side, or between the wells
        }
        ++solved;
        const std::vector<double> exact = dense_solution(problem);
        for (SolverMethod method :
             {SolverMethod::multigrid_double, SolverMethod::boomeramg, SolverMethod::mumps}) {
          const SolveResult result = solve_darcy(
              problem, {.relative_tolerance = 1e-11, .ranks = SolverOptions::Ranks::self, .method = method});
          if (method == SolverMethod::multigrid_double && !result.converged) continue;  // the chain goes on
          ASSERT_TRUE(result.converged)
              << name << " " << part << " " << to_string(method) << " " << result.reason;
          Field expected(grid);
          expected.values = exact;
          EXPECT_LT(relative_l2(result.pressure, expected), 1e-8)
              << name << " " << part << " " << to_string(method);
          const bool flows = inflow(problem, result.pressure) > 1e-3;  // a path leads from side to side
          EXPECT_LT(flows ? mass_balance_error(problem, result.pressure) : 0.0, 2e-10) << name << " " << part;
          EXPECT_EQ(maximum_principle_violation(problem, result.pressure), "") << name << " " << part;
        }
        EXPECT_TRUE(solve_darcy(problem).converged) << name << " " << part;
      }
    }
    EXPECT_GE(solved, 6) << name;
  }
}

TEST(Inactive, NothingFlowsThroughAnInactiveCell) {
  const Grid grid{3, 2};
  Field k(grid);
  k.values = {1, 2, 3, 4, 5, 6};
  const Problem problem = make_problem("drive", k, CellMask{grid, {1, 1, 1, 0, 1, 1}});
  const SolveResult result = solve_darcy(problem);
  ASSERT_TRUE(result.converged);
  EXPECT_EQ(result.pressure(0, 1), 0.0);
  const FaceFlux flux = face_flux(problem, result.pressure);
  EXPECT_EQ(flux.ux[4], 0.0);  // its four faces
  EXPECT_EQ(flux.ux[5], 0.0);
  EXPECT_EQ(flux.uy[3], 0.0);
  EXPECT_EQ(flux.uy[6], 0.0);
  EXPECT_GT(flux.ux[1], 0.0);
  const std::vector<double> exact = dense_solution(problem);
  for (std::size_t c = 0; c < grid.cells(); ++c) EXPECT_NEAR(result.pressure.values[c], exact[c], 1e-9);
}

// A mask without an inactive cell is no mask.
TEST(Inactive, AllActiveIsTheProblemWithoutAMask) {
  const Grid grid{24, 17};
  const Problem plain = make_problem("drive", rough_permeability(grid));
  Problem problem = plain;
  problem.active = {grid, std::vector<std::uint8_t>(grid.cells(), 1)};
  EXPECT_EQ(solve_darcy(plain).pressure.values, solve_darcy(problem).pressure.values);
}

TEST(Inactive, IslandsAreNamedOrDropped) {
  const Grid grid{5, 3};
  Field k(grid, 1.0);
  //  top      1 1 0 1 1
  //           1 1 0 0 0
  //  bottom   1 1 1 0 1
  CellMask mask{grid, {1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1}};
  Problem problem = make_problem("closed", k, mask);
  problem.on(Side::left) = constant_boundary(grid, Side::left, BoundaryCondition::Type::pressure, 1.0);
  try {
    check_problem(problem);
    FAIL() << "islands were accepted";
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("the 1 cells joined to cell (4, 0) are an island"),
              std::string::npos)
        << e.what();
  }
  EXPECT_EQ(drop_islands(problem), 3u);
  EXPECT_NO_THROW(check_problem(problem));
  EXPECT_EQ(problem.active.inactive(), 8u);

  // A well of given rate keeps its region: that is no island, and its pressure is unknown.
  problem.active = mask;
  problem.wells.push_back({4, 2, Well::Control::rate, 1.0});
  EXPECT_EQ(drop_islands(problem), 1u);
  EXPECT_THROW(check_problem(problem), InvalidInput);
  problem.wells[0] = {4, 2, Well::Control::pressure, 1.0, 1e-3};
  EXPECT_NO_THROW(check_problem(problem));
}

TEST(Inactive, WellsAndSidesThereAreErrorsByName) {
  const Grid grid{4, 3};
  const auto message = [](const Problem& problem) {
    try {
      check_problem(problem);
    } catch (const InvalidInput& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const CellMask mask{grid, {1, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0}};
  Problem problem = make_problem("drive", Field(grid, 1.0), mask);
  EXPECT_NE(message(problem).find("side right prescribes a pressure, but all its cells are inactive"),
            std::string::npos)
      << message(problem);
  problem.on(Side::right) = constant_boundary(grid, Side::right, BoundaryCondition::Type::flux, 0.5);
  EXPECT_NE(message(problem).find("side right prescribes a flux of 0.5 at cell (3, 0)"), std::string::npos)
      << message(problem);
  problem.on(Side::right) = constant_boundary(grid, Side::right, BoundaryCondition::Type::flux, 0.0);
  EXPECT_EQ(message(problem), "");
  problem.wells.push_back({1, 2, Well::Control::rate, 1.0});
  EXPECT_NE(message(problem).find("well in cell (1, 2), which is inactive"), std::string::npos)
      << message(problem);
}

// Round holes that take a fifth of the domain.
CellMask blobs(const Grid& grid) {
  CellMask mask{grid, std::vector<std::uint8_t>(grid.cells(), 1)};
  const double holes[][3] = {
      {0.2, 0.3, 0.12}, {0.55, 0.6, 0.15}, {0.8, 0.25, 0.1}, {0.3, 0.8, 0.1}, {0.85, 0.85, 0.07}};
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) {
      for (const auto& [x, y, radius] : holes) {
        if (std::hypot(grid.x(i) - x, grid.y(j) - y) < radius) mask.values[grid.index(i, j)] = 0;
      }
    }
  }
  return mask;
}

TEST(Inactive, BlobsTakeAtMostThreeIterationsMore) {
  for (int n : {64, 128, 256}) {
    const Grid grid{n, n};
    for (const char* name : {"benchmark", "drive", "five-spot"}) {
      const Field k = two_phase(grid);
      const SolveResult plain = solve_darcy(make_problem(name, k));
      const SolveResult holed = solve_darcy(make_problem(name, k, blobs(grid)));
      EXPECT_EQ(holed.method, plain.method) << name << " " << n;
      EXPECT_LE(holed.iterations, plain.iterations + 3) << name << " " << n;
      EXPECT_LE(holed.relative_residual, 1e-10);
    }
  }
}

TEST(Inactive, ACorrectionLeavesInactiveCellsAlone) {
  const Grid grid{48, 48};
  for (const char* name : {"benchmark", "drive", "five-spot"}) {
    const Problem problem = make_problem(name, two_phase(grid), blobs(grid));
    const Field exact = solve_darcy(problem, {.relative_tolerance = 1e-12}).pressure;
    const auto corrected = Corrector(problem).solve_from(Field(grid), 1e-11);
    EXPECT_LT(relative_l2(corrected.pressure, exact), 1e-8) << name;
    for (std::size_t c = 0; c < grid.cells(); ++c)
      EXPECT_TRUE(problem.active[c] || corrected.pressure.values[c] == 0.0);
  }
}

}  // namespace
}  // namespace mano
