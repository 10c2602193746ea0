// Conjugate gradients with the multigrid, and nothing to fall back on.
#include "solver/conjugate_gradients.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "solver/problems.hpp"
#include "solver/regions.hpp"
#include "solver/volume_elimination.hpp"

namespace mano {
namespace {

using End = ConjugateGradients::End;
using Precision = Multigrid::Precision;

Grid volume(int nx, int ny, int nz, double width_over_height) {
  Grid g{nx, ny, 1.0 * nx, 1.0 * ny};
  g.nz = nz;
  g.lz = nz / width_over_height;
  return g;
}

Field log_uniform(const Grid& grid, double contrast, std::mt19937& random) {
  std::uniform_real_distribution<double> uniform;
  Field k(grid);
  for (double& value : k.values) value = std::pow(contrast, uniform(random));
  return k;
}

CellMask random_mask(const Grid& grid, double inactive, std::mt19937& random) {
  std::uniform_real_distribution<double> uniform;
  CellMask mask{grid, std::vector<std::uint8_t>(grid.cells())};
  for (auto& value : mask.values) value = uniform(random) >= inactive;
  return mask;
}

struct Solved {
  ConjugateGradients::Result result;
  Field pressure;
};

Solved solved(const Problem& problem, double tolerance, int most, Precision precision) {
  const Stencil stencil(problem);
  ConjugateGradients method;
  method.take(stencil, precision);
  Solved s{{}, Field(problem.grid())};
  s.result = method.solve(s.pressure.values, true, tolerance, most);
  if (problem.pressure_is_free()) subtract_mean(s.pressure.values, problem.active);
  return s;
}

// Lines and plates in every direction, odd sizes.
const std::vector<std::array<int, 3>> kSizes{{1, 1, 9}, {9, 1, 2}, {1, 9, 2}, {1, 5, 6},
                                             {7, 1, 4}, {2, 2, 2}, {5, 7, 3}};

TEST(ConjugateGradients, AgreeWithAnElimination) {
  std::mt19937 random(1);
  for (const auto& [nx, ny, nz] : kSizes) {
    for (const double aspect : {1e-3, 1.0, 1e3}) {
      for (const double contrast : {1.0, 1e4, 1e8}) {
        const Grid grid = volume(nx, ny, nz, aspect);
        for (const char* name : {"benchmark", "drive"}) {
          const Problem problem = make_problem(name, log_uniform(grid, contrast, random));
          const Solved s = solved(problem, 1e-12, 200, Precision::double_);
          EXPECT_NE(s.result.end, End::most_iterations)
              << grid.resolution() << " " << name << " " << aspect << " " << contrast;
          EXPECT_LT(relative_l2(s.pressure, VolumeElimination(problem).solve().pressure), 1e-8)
              << grid.resolution() << " " << name << " " << aspect << " " << contrast;
        }
      }
    }
  }
}

TEST(ConjugateGradients, LeaveOutInactiveCells) {
  std::mt19937 random(2);
  const Grid grid = volume(6, 5, 7, 3.0);
  for (const double inactive : {0.01, 0.1, 0.3, 0.6}) {
    for (int draw = 0; draw < 10; ++draw) {
      Problem problem =
          make_problem("benchmark", log_uniform(grid, 1e3, random), random_mask(grid, inactive, random));
      drop_islands(problem);
      const Solved s = solved(problem, 1e-12, 200, Precision::double_);
      EXPECT_LT(relative_l2(s.pressure, VolumeElimination(problem).solve().pressure), 1e-8)
          << inactive << " " << draw;
      for (std::size_t c = 0; c < grid.cells(); ++c) {
        EXPECT_TRUE(problem.active[c] || s.pressure.values[c] == 0.0);
      }
    }
  }
}

// Nothing holds the pressure; two bores of given rate run through all layers.
TEST(ConjugateGradients, JoinTheLayersOfABore) {
  std::mt19937 random(3);
  for (const double aspect : {1.0, 100.0}) {
    const Grid grid = volume(6, 5, 4, aspect);
    Problem problem = make_problem("five-spot", log_uniform(grid, 1e4, random));
    for (Well& well : problem.wells) well.radius = 1e-2;
    const Solved s = solved(problem, 1e-12, 100, Precision::double_);
    EXPECT_LT(relative_l2(s.pressure, VolumeElimination(problem).solve().pressure), 1e-8) << aspect;
  }
}

// What a bore adds to the diagonal holds its layers in the multigrid, where nothing else holds any; in tall cells little else joins them.
TEST(ConjugateGradients, TakeFewIterationsWithBoresAlone) {
  std::mt19937 random(4);
  for (const double aspect : {1e-2, 1.0, 100.0}) {
    const Grid grid = volume(16, 16, 16, aspect);
    Problem problem = make_problem("five-spot", log_uniform(grid, 10, random));
    for (Well& well : problem.wells) well.radius = 1e-2;
    const Solved s = solved(problem, 1e-10, 60, Precision::single);
    EXPECT_EQ(s.result.end, End::converged) << aspect;
    EXPECT_LE(s.result.iterations, 25) << aspect;
  }
}

TEST(ConjugateGradients, GoOnFromWhereTheyEnded) {
  const Problem problem = make_problem("drive", rough_permeability(Grid{40, 30}));
  const Stencil stencil(problem);
  ConjugateGradients method;
  method.take(stencil, Precision::double_);
  Field p(problem.grid());
  const auto first = method.solve(p.values, true, 1e-10, 5);
  EXPECT_EQ(first.end, End::most_iterations);
  EXPECT_EQ(first.iterations, 5);
  const double before = relative_residual(stencil, p);
  EXPECT_GT(before, 1e-10);
  EXPECT_EQ(method.solve(p.values, false, 1e-10, 60).end, End::converged);
  EXPECT_LT(relative_residual(stencil, p), 2e-10);
  // From the answer nothing is left to do.
  EXPECT_LE(method.solve(p.values, false, 1e-9, 60).iterations, 1);
}

// Two phases from a smooth function, layers that differ by six orders of magnitude, channels two cells wide through all layers.
double two_phases(int i, int j, int k, int n) {
  return std::sin(9.0 * i / n + 4.0 * j / n) * std::cos(7.0 * j / n + 5.0 * k / n) > 0 ? 12.0 : 3.0;
}
double layers(int, int, int k, int) {
  return std::pow(10.0, 3 + 3 * std::sin(37.0 * k));
}
double channels(int i, int j, int, int n) {
  return std::abs(std::sin(11.0 * j / n + 2 * std::sin(6.0 * i / n))) < 0.3 ? 1e4 : 1.0;
}

TEST(ConjugateGradients, TakeFewIterationsOnHardVolumes) {
  struct Rock {
    const char* name;
    double (*k)(int, int, int, int);
    int most;  // iterations to 1e-8, of all set-ups and aspects below
  };
  constexpr int n = 32;
  for (const Rock& rock :
       {Rock{"two phases", two_phases, 11}, Rock{"layers", layers, 11}, Rock{"channels", channels, 22}}) {
    for (const double aspect : {1e-3, 0.03, 1.0, 30.0, 1e3}) {
      const Grid grid = volume(n, n, n, aspect);
      Field permeability(grid);
      for (int k = 0; k < n; ++k) {
        for (int j = 0; j < n; ++j) {
          for (int i = 0; i < n; ++i) permeability(i, j, k) = rock.k(i, j, k, n);
        }
      }
      for (const char* name : {"benchmark", "drive"}) {
        const Solved s = solved(make_problem(name, permeability), 1e-8, 60, Precision::single);
        EXPECT_EQ(s.result.end, End::converged) << rock.name << " " << name << " " << aspect;
        EXPECT_LE(s.result.iterations, rock.most) << rock.name << " " << name << " " << aspect;
      }
    }
  }
}

}  // namespace
}  // namespace mano
