#include "solver/correction.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "solver/problems.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

constexpr double kSolved = 1e-12;

// The solution, and it with an error of 2 % that has all frequencies.
struct Guess {
  Field solution, pressure;
  double size = 0.0;  // of the error, 2-norm
};

Guess guess_for(const Problem& problem) {
  Corrector corrector(problem);
  Guess g;
  g.solution = corrector.solve_from(Field(problem.grid()), kSolved).pressure;
  g.pressure = g.solution;
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  const double rms = norm(g.solution.values) / std::sqrt(static_cast<double>(g.solution.values.size()));
  for (int j = 0; j < problem.grid().ny; ++j) {
    for (int i = 0; i < problem.grid().nx; ++i) {
      const double smooth = std::sin(3.0 * i / problem.grid().nx) * std::cos(2.0 * j / problem.grid().ny);
      g.pressure(i, j) += 0.02 * rms * (0.3 * normal(random) + smooth);
    }
  }
  g.size = norm(difference(g.solution, g.pressure).values);
  return g;
}

const std::vector<Grid> kGrids{{32, 32}, {33, 17}, {96, 32, 3, 1}, {7, 50}};

TEST(Correction, SolvesFromAnyStart) {
  for (const Grid& grid : kGrids) {
    for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
      const Problem problem = make_problem(problem_name, rough_permeability(grid));
      Corrector corrector(problem);
      const auto a = corrector.solve_from(Field(grid), kSolved);
      const auto b = corrector.solve_from(Field(grid, 1.0), kSolved);
      EXPECT_LE(relative_residual(Stencil(problem), a.pressure),
                std::max(kSolved, attainable_relative_residual(Stencil(problem), a.pressure)));
      if (!problem.pressure_is_free()) {
        EXPECT_LT(relative_l2(b.pressure, a.pressure), 1e-8) << problem_name << " " << grid.resolution();
      }
      EXPECT_GT(a.cycles, 2);
    }
  }
}

TEST(Correction, TwoCyclesTellTheErrorsSize) {
  for (const Grid& grid : kGrids) {
    for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
      const Problem problem = make_problem(problem_name, two_phase(grid));
      Guess g = guess_for(problem);
      if (problem.pressure_is_free()) {  // up to a constant
        const double mean = std::accumulate(g.pressure.values.begin(), g.pressure.values.end(), 0.0) /
                            static_cast<double>(grid.cells());
        for (double& p : g.pressure.values) p -= mean;
        g.size = norm(difference(g.solution, g.pressure).values);
      }
      Corrector corrector(problem);
      const Field e = corrector.correction(g.pressure, 2);
      EXPECT_NEAR(norm(e.values) / g.size, 1.0, 0.1) << problem_name << " " << grid.resolution();
      // The field itself, not its size alone.
      EXPECT_LT(relative_l2(e, difference(g.solution, g.pressure)), 0.15)
          << problem_name << " " << grid.resolution();
    }
  }
}

// Pythagoras in the energy norm, so that the estimate never exceeds the error there and what is left falls with every cycle.
TEST(Correction, IsAProjectionInTheEnergyNorm) {
  const Grid grid{48, 40};
  const Problem problem = make_problem("benchmark", rough_permeability(grid));
  const Guess g = guess_for(problem);
  Stencil homogeneous(problem);
  std::fill(homogeneous.rhs.begin(), homogeneous.rhs.end(), 0.0);
  const auto energy = [&](const Field& v) {
    const Field av = residual(homogeneous, v);
    return -std::inner_product(v.values.begin(), v.values.end(), av.values.begin(), 0.0);
  };
  Corrector corrector(problem);
  const Field error = difference(g.solution, g.pressure);
  double before = energy(error);
  for (int cycles = 1; cycles <= 4; ++cycles) {
    const Field e = corrector.correction(g.pressure, cycles);
    const double left = energy(difference(error, e));
    EXPECT_NEAR(left + energy(e), energy(error), 1e-5 * energy(error)) << cycles;
    EXPECT_LT(left, 0.5 * before) << cycles;
    before = left;
  }
}

TEST(Correction, FindsNothingInTheSolutionOrInNoCycles) {
  const Grid grid{16, 16};
  const Problem problem = make_problem("benchmark", two_phase(grid));
  Corrector corrector(problem);
  const Field solution = corrector.solve_from(Field(grid), kSolved).pressure;
  EXPECT_LT(norm(corrector.correction(solution, 3).values), 1e-10 * norm(solution.values));
  EXPECT_EQ(norm(corrector.correction(Field(grid), 0).values), 0.0);
  EXPECT_THROW(corrector.correction(solution, -1), InvalidInput);
  // Nothing drives a closed domain: its pressure is constant, whatever the start.
  Corrector closed(make_problem("closed", two_phase(grid)));
  const auto rest = closed.solve_from(sampled(grid, [](double x, double) { return x; }), kSolved);
  EXPECT_EQ(rest.cycles, 0);
  EXPECT_EQ(norm(rest.pressure.values), 0.0);
}

TEST(Correction, TakesOneProblemAfterAnother) {
  const Grid grid{24, 16};
  const Problem first = make_problem("benchmark", two_phase(grid));
  const Problem second = make_problem("five-spot", rough_permeability(grid));
  Corrector reused(first);
  reused.take(second);
  EXPECT_EQ(reused.correction(Field(grid), 3).values, Corrector(second).correction(Field(grid), 3).values);
  const Problem finer = make_problem("benchmark", two_phase({48, 16}));
  reused.take(finer);
  EXPECT_EQ(reused.correction(Field(finer.grid()), 3).values,
            Corrector(finer).correction(Field(finer.grid()), 3).values);
}

}  // namespace
}  // namespace mano
