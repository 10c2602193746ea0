// Exact results of the field, each with its source, and a second discretisation.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "datagen/random_field.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/finite_elements.hpp"
#include "solver/flow.hpp"
#include "solver/problems.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

using std::numbers::pi;
using Type = BoundaryCondition::Type;

Field solved(const Problem& problem) {
  const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-11});
  EXPECT_TRUE(result.converged) << result.reason;
  return result.pressure;
}

// Flow through a square for a unit pressure drop, from left to right or from bottom to top.
double effective_permeability(const Field& k, bool upwards = false) {
  Problem problem = make_problem("drive", k);
  if (upwards) {
    for (Side side : sides_of(k.grid)) problem.on(side) = constant_boundary(k.grid, side, Type::flux, 0.0);
    problem.on(Side::front) = constant_boundary(k.grid, Side::front, Type::pressure, 1.0);
    problem.on(Side::back) = constant_boundary(k.grid, Side::back, Type::pressure, 0.0);
  }
  const double size = upwards ? k.grid.ly / k.grid.lx : k.grid.lx / k.grid.ly;
  return outflow(problem, solved(problem))[static_cast<int>(upwards ? Side::back : Side::right)] * size;
}

// Layers along the flow carry it in parallel: the arithmetic mean, exactly.
TEST(Validation, LayersInParallel) {
  const std::vector<double> layer{3.0, 0.1, 5.0, 100.0, 0.2, 7.0};
  const Grid g{5, 6, 2.0, 1.0};
  const Field k = sampled(g, [&](double, double y) { return layer[static_cast<int>(y / g.hy())]; });
  EXPECT_NEAR(effective_permeability(k), (3.0 + 0.1 + 5.0 + 100.0 + 0.2 + 7.0) / 6, 1e-8);
}

// A. M. Dykhne, Sov. Phys. JETP 32 (1971): a medium that turns into its inverse by a quarter turn has the geometric mean.
// At a corner where four squares meet pressure is singular, and refinement helps slowly.
TEST(Validation, CheckerboardHasTheGeometricMean) {
  double before = 1.0;
  for (int n : {8, 16, 32, 64, 128}) {
    const Field k = sampled({n, n}, [](double x, double y) { return (x < 0.5) == (y < 0.5) ? 1.0 : 9.0; });
    const double error = std::abs(effective_permeability(k) / 3.0 - 1);
    EXPECT_LT(error, 0.85 * before) << n;
    before = error;
  }
  EXPECT_LT(before, 0.02);
}

// G. Matheron, Elements pour une theorie des milieux poreux (1967): in two dimensions an isotropic lognormal medium has the
// geometric mean; here within three standard errors of an ensemble.
TEST(Validation, LognormalFieldsHaveTheGeometricMean) {
  FieldSpec spec;
  spec.kind = "lognormal";
  spec.correlation_length_x = spec.correlation_length_y = 0.05;
  spec.smoothness = 1.5;
  constexpr int kFields = 60;
  double sum = 0.0;
  double squares = 0.0;
  for (int s = 0; s < kFields; ++s) {
    const Field k = draw_field(spec, 3, s, {96, 96});
    const double value =
        0.5 * (std::log(effective_permeability(k)) + std::log(effective_permeability(k, true)));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kFields;
  const double error = std::sqrt((squares / kFields - mean * mean) / (kFields - 1));
  EXPECT_LT(error, 0.02);
  EXPECT_LT(std::abs(mean), 3 * error) << mean;
}

// A well in the middle of uniform rock, with the exact pressure -q ln(r) / (2 pi k) on the boundary.
struct AroundAWell {
  static constexpr double rate = 2.0, k = 5.0, radius = 1e-4;
  static double pressure(double x, double y) {
    return -rate / (2 * pi * k) * std::log(std::hypot(x - 0.5, y - 0.5));
  }

  static Problem problem(int n) {
    const Grid g{n, n};
    Problem problem = make_problem("closed", Field(g, k));
    for (Side side : sides_of(g)) problem.on(side).type = Type::pressure;
    for (int c = 0; c < n; ++c) {
      problem.on(Side::left).values[c] = pressure(0, g.y(c));
      problem.on(Side::right).values[c] = pressure(1, g.y(c));
      problem.on(Side::front).values[c] = pressure(g.x(c), 0);
      problem.on(Side::back).values[c] = pressure(g.x(c), 1);
    }
    problem.wells.push_back({n / 2, n / 2, Well::Control::rate, rate, radius});
    return problem;
  }
};

// D. W. Peaceman, SPE J. 18 (1978): logarithmic outside the equivalent radius of 0.2 cells, and the pressure in the bore.
TEST(Validation, PressureAroundAWellIsLogarithmic) {
  for (int n : {33, 65}) {
    const Problem problem = AroundAWell::problem(n);
    const Field p = solved(problem);
    const Grid& g = problem.grid();
    const double scale = AroundAWell::rate / (2 * pi * AroundAWell::k);
    for (int j = 0; j < n; ++j) {
      for (int i = 0; i < n; ++i) {
        const double r = std::hypot(i - n / 2, j - n / 2);
        if (r < 2.5) continue;
        EXPECT_NEAR(p(i, j), AroundAWell::pressure(g.x(i), g.y(j)), 0.015 * scale)
            << n << " " << i << " " << j;
      }
    }
    const WellState state = well_states(problem, p).front();
    EXPECT_NEAR(state.pressure, -scale * std::log(AroundAWell::radius), 0.01 * scale) << n;
  }
}

TEST(Validation, AWellOfGivenPressureTakesTheSameRate) {
  Problem problem = AroundAWell::problem(33);
  const double bore = well_states(problem, solved(problem)).front().pressure;
  problem.wells.front().control = Well::Control::pressure;
  problem.wells.front().value = bore;
  const Field p = solved(problem);
  EXPECT_NEAR(well_states(problem, p).front().rate, AroundAWell::rate, 1e-8);
  EXPECT_LT(mass_balance_error(problem, p), 1e-10);
}

// With k different in x and y, stretching y by sqrt(kx / ky) makes the rock isotropic: same flow, by either way.
TEST(Validation, AnisotropyIsAStretchedDomain) {
  const double ratio = 0.04;
  const Grid flat{24, 16, 1.0, 1.0};
  Problem anisotropic = make_problem("benchmark", rough_permeability(flat));
  anisotropic.permeability_y = anisotropic.permeability;
  for (double& k : anisotropic.permeability_y.values) k *= ratio;
  anisotropic.wells.push_back({7, 5, Well::Control::pressure, 2.0, 1e-3});
  // k' = sqrt(kx ky) on a domain of height 1 / sqrt(ratio); the source is a rate per area.
  Problem stretched = make_problem("benchmark", rough_permeability({24, 16, 1.0, 1 / std::sqrt(ratio)}));
  for (double& k : stretched.permeability.values) k *= std::sqrt(ratio);
  for (double& f : stretched.source.values) f *= std::sqrt(ratio);
  // The bore becomes an ellipse; Peaceman's index knows it as a circle of the mean of its half axes.
  const double wide = 1e-3 * (1 + 1 / std::sqrt(ratio)) / 2;
  stretched.wells.push_back({7, 5, Well::Control::pressure, 2.0, wide});
  const double index = well_index(anisotropic, anisotropic.wells.front());
  EXPECT_NEAR(well_index(stretched, stretched.wells.front()) / index, 1.0, 0.01);
  stretched.wells.front().radius *=
      std::exp(2 * pi * std::sqrt(anisotropic.permeability(7, 5) * anisotropic.permeability_y(7, 5)) *
               (1 / well_index(stretched, stretched.wells.front()) - 1 / index));  // the very same index
  const Field a = solved(anisotropic);
  const Field b = solved(stretched);
  for (std::size_t c = 0; c < a.values.size(); ++c) EXPECT_NEAR(a.values[c], b.values[c], 1e-7);
}

TEST(Validation, FiveSpotIsSymmetricInUniformRock) {
  const int n = 40;
  const Field p = solved(make_problem("five-spot", Field({n, n}, 2.0)));
  for (int j = 0; j < n; ++j) {
    for (int i = 0; i < n; ++i) {
      EXPECT_NEAR(p(i, j), p(j, i), 1e-9);
      EXPECT_NEAR(p(i, j), -p(n - 1 - i, n - 1 - j), 1e-9);
    }
  }
}

// Finite elements bound the effective permeability from above and share no line with mano: both close in on one limit.
TEST(Validation, FiniteElementsConvergeToTheSameLimit) {
  FieldSpec spec;
  spec.kind = "lognormal";
  spec.correlation_length_x = spec.correlation_length_y = 0.3;
  const Field blocks = draw_field(spec, 11, 0, {8, 8});
  double before = 1.0;
  for (int n : {8, 16, 32, 64}) {
    const Field k = sampled(
        {n, n}, [&](double x, double y) { return blocks(static_cast<int>(8 * x), static_cast<int>(8 * y)); });
    const double volumes = effective_permeability(k);
    const double elements = finite_element_permeability(k);
    const double gap = elements / volumes - 1;
    EXPECT_GT(gap, 0) << n;
    EXPECT_LT(gap, 0.6 * before) << n;
    before = gap;
  }
  EXPECT_LT(before, 0.01);
}

}  // namespace
}  // namespace mano
