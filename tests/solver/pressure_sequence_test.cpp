#include "solver/pressure_sequence.hpp"

#include <gtest/gtest.h>

#include <random>

#include "core/error.hpp"
#include "solver/correction.hpp"
#include "solver/problems.hpp"

namespace mano {
namespace {

constexpr double kTolerance = 1e-11;

std::vector<double> random_factor(std::size_t cells, double decades, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-decades, 0.0);
  std::vector<double> factor(cells);
  for (double& f : factor) f = std::pow(10.0, uniform(random));
  return factor;
}

Problem scaled(Problem problem, const std::vector<double>& factor) {
  for (std::size_t c = 0; c < factor.size(); ++c) {
    problem.permeability.values[c] *= factor[c];
    if (!problem.permeability_y.values.empty()) problem.permeability_y.values[c] *= factor[c];
  }
  return problem;
}

// One after another, as if each were solved alone.
void expect_as_alone(const Problem& problem, double decades, double close = 1e-7) {
  PressureSequence sequence(problem);
  Field pressure(problem.grid());
  for (unsigned seed = 1; seed < 5; ++seed) {
    const std::vector<double> factor = random_factor(problem.grid().cells(), decades, seed);
    const auto solved = sequence.solve(factor, pressure, kTolerance);
    const Problem alone = scaled(problem, factor);
    EXPECT_LE(solved.relative_residual,
              std::max(kTolerance, attainable_relative_residual(Stencil(alone), pressure)));
    EXPECT_LE(relative_residual(Stencil(alone), pressure),
              1.01 * std::max(kTolerance, solved.relative_residual));
    EXPECT_EQ(sequence.problem().permeability.values, alone.permeability.values);
    const Field expected = Corrector(alone).solve_from(Field(problem.grid()), kTolerance).pressure;
    const Range range = least_and_most(expected.values);
    for (std::size_t c = 0; c < expected.values.size(); ++c)
      EXPECT_NEAR(pressure.values[c], expected.values[c], close * (range.most - range.least));
    EXPECT_LE(sequence.solve(factor, pressure, kTolerance).cycles, 1);  // it is there already
  }
}

TEST(PressureSequence, SolvesEachAsIfItWereAlone) {
  const Grid g{19, 12, 2.0, 1.0};
  for (const char* name : {"benchmark", "drive", "five-spot"})
    expect_as_alone(make_problem(name, two_phase(g)), 1.0);
  Problem wells = make_problem("closed", two_phase(g));
  wells.wells = {{3, 4, Well::Control::pressure, 2.0, 0.001}, {15, 8, Well::Control::rate, -1.0}};
  wells.permeability_y = wells.permeability;
  for (double& k : wells.permeability_y.values) k *= 0.2;
  expect_as_alone(wells, 1.0);
  CellMask mask{g, std::vector<std::uint8_t>(g.cells(), 1)};
  for (int j = 2; j < 9; ++j) mask.values[g.index(8, j)] = 0;
  expect_as_alone(make_problem("five-spot", two_phase(g), mask), 1.0);
}

TEST(PressureSequence, TakesDoublePrecisionWhereContrastsNeedIt) {
  expect_as_alone(make_problem("drive", two_phase(Grid{16, 16})), 8.0, 1e-5);
}

TEST(PressureSequence, RefusesWhatCheckProblemRefuses) {
  EXPECT_THROW(PressureSequence(make_problem("drive", Field(Grid{4, 4}, -1.0))), InvalidInput);
}

}  // namespace
}  // namespace mano
