#include "solver/adjoint.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/error.hpp"
#include "datagen/random_field.hpp"
#include "solver/correction.hpp"
#include "solver/flow.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

constexpr double kSolve = 1e-14;

Field rock(int nx, int ny) {
  return draw_field({.kind = "lognormal"}, 5, 0, {nx, ny, 2.0, 1.0});
}

// sum over cells of (1 + c / n) p_c^2, and its derivative by p.
double functional(const Field& p) {
  double sum = 0.0;
  for (std::size_t c = 0; c < p.values.size(); ++c)
    sum += (1.0 + static_cast<double>(c) / p.values.size()) * p.values[c] * p.values[c];
  return sum;
}

Field by_pressure(const Field& p) {
  Field g(p.grid);
  for (std::size_t c = 0; c < p.values.size(); ++c)
    g.values[c] = 2.0 * (1.0 + static_cast<double>(c) / p.values.size()) * p.values[c];
  return g;
}

Field solved(const Problem& problem) {
  return Corrector(problem).solve_from(Field(problem.grid()), kSolve).pressure;
}

FlowGradient gradient_of(const Problem& problem, const FunctionalSlope& slope, OwnDirections own = {}) {
  Corrector corrector(problem);
  const Field p = corrector.solve_from(Field(problem.grid()), kSolve).pressure;
  const Field lambda = corrector.solve_for(adjoint_source(problem, slope), kSolve);
  return flow_gradient(problem, corrector.stencil(), slope.by_wells, p, lambda, own);
}

// Worst difference from central differences over some cells, relative to the largest derivative.
double worst(const std::function<Problem(Field)>& make, const Field& k) {
  const Problem problem = make(k);
  const Field p = solved(problem);
  const Field gradient = gradient_of(problem, {by_pressure(p)}).by_log_permeability;
  double largest = 0.0;
  double off = 0.0;
  for (double g : gradient.values) largest = std::max(largest, std::abs(g));
  for (std::size_t c = 0; c < k.values.size(); c += 7) {
    if (!problem.active[c]) {
      EXPECT_EQ(gradient.values[c], 0.0);
      continue;
    }
    constexpr double h = 1e-4;
    Field more = k;
    Field less = k;
    more.values[c] *= std::exp(h);
    less.values[c] *= std::exp(-h);
    const double difference = (functional(solved(make(more))) - functional(solved(make(less)))) / (2 * h);
    off = std::max(off, std::abs(difference - gradient.values[c]));
  }
  return off / largest;
}

TEST(Adjoint, IsTheGradientOfNamedProblems) {
  for (const char* name : {"benchmark", "drive", "five-spot"})
    EXPECT_LT(worst([&](Field k) { return make_problem(name, std::move(k)); }, rock(14, 10)), 1e-6) << name;
}

// Wells of both kinds, sides of both, two directions, inactive cells, a source.
Problem everything(const Field& k) {
  CellMask mask{k.grid, std::vector<std::uint8_t>(k.grid.cells(), 1)};
  for (int i = 4; i < 8; ++i) mask.values[k.grid.index(i, 5)] = 0;
  Problem problem = make_problem("closed", k, mask);
  problem.permeability_y = problem.permeability;
  for (double& value : problem.permeability_y.values) value *= 0.3;
  problem.on(Side::back) = constant_boundary(k.grid, Side::back, BoundaryCondition::Type::pressure, 0.4);
  problem.on(Side::left) = constant_boundary(k.grid, Side::left, BoundaryCondition::Type::flux, -0.7);
  problem.source = Field(k.grid, 0.2);
  problem.wells = {{.i = 2, .j = 3, .value = 1.0},
                   {.i = 11, .j = 2, .control = Well::Control::pressure, .value = 2.0, .radius = 1e-3},
                   {.i = 6, .j = 7, .value = -1.5, .radius = 2e-3}};
  return problem;
}

TEST(Adjoint, KnowsSidesWellsDirectionsAndInactiveCells) {
  EXPECT_LT(worst(everything, rock(14, 10)), 1e-6);
}

// The functional of the pressure and, weighted, what the wells do.
const std::vector<double> kRateWeights{0.3, -0.8, 1.1};
const std::vector<double> kBoreWeights{5.0, 0.6, -0.4};  // the first has no radius: it counts for nothing

double functional(const Problem& problem) {
  const Field p = solved(problem);
  double sum = functional(p);
  const std::vector<WellState> states = well_states(problem, p);
  for (std::size_t w = 0; w < states.size(); ++w) {
    sum += kRateWeights[w] * states[w].rate;
    if (!std::isnan(states[w].pressure)) sum += kBoreWeights[w] * states[w].pressure;
  }
  return sum;
}

FlowGradient gradient_of(const Problem& problem, OwnDirections own = {}) {
  return gradient_of(problem, {by_pressure(solved(problem)), {kRateWeights, kBoreWeights}}, own);
}

// Against differences of fourth order.
void expect_derivative(const Problem& problem, double derivative, const std::string& what,
                       const std::function<void(Problem&, double)>& change) {
  const double h = 1e-3;
  const auto at = [&](double step) {
    Problem other = problem;
    change(other, step);
    return functional(other);
  };
  EXPECT_NEAR(derivative, (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h),
              1e-6 * (0.1 + std::abs(derivative)))
      << what;
}

// By wells, by the source in some cells, by sides in their face 4, and by permeability in the same cells and those of wells.
void expect_gradient(const Problem& problem, std::vector<std::size_t> cells) {
  const FlowGradient found = gradient_of(problem);
  for (std::size_t w = 0; w < problem.wells.size(); ++w)
    expect_derivative(problem, found.by_well[w], fmt::format("well {}", w),
                      [&](Problem& p, double h) { p.wells[w].value += h; });
  for (std::size_t c : cells)
    expect_derivative(problem, found.by_source.values[c], fmt::format("source in {}", c),
                      [&](Problem& p, double h) { p.source.values[c] += h; });
  for (Side side : sides_of(problem.grid()))
    expect_derivative(problem, found.by_boundary[static_cast<int>(side)][4], name_of(side, problem.grid()),
                      [&](Problem& p, double h) { p.on(side).values[4] += h; });
  for (const Well& well : problem.wells)
    for (const Completion& c : completions(problem, well)) cells.push_back(c.cell);
  for (std::size_t c : cells)
    expect_derivative(problem, found.by_log_permeability.values[c], fmt::format("k in cell {}", c),
                      [&](Problem& p, double h) {
                        for (Field* k : {&p.permeability, &p.permeability_y, &p.permeability_z})
                          if (!k->values.empty()) k->values[c] *= std::exp(h);
                      });
  for (std::size_t c = 0; c < problem.grid().cells(); ++c) {
    if (problem.active[c]) continue;
    EXPECT_EQ(found.by_source.values[c], 0.0);
    EXPECT_EQ(found.by_log_permeability.values[c], 0.0);
  }
}

TEST(Adjoint, IsTheGradientOfAllThatDrivesTheFlow) {
  expect_gradient(everything(rock(14, 10)), {0, 18, 34, 103});
}

// The same of an oblong volume. The well of given rate that has no radius is open in four layers but one, which is inactive, the others in
// three and in two.
Problem volume() {
  Grid grid{7, 5, 2.0, 1.0};
  grid.nz = 4;
  grid.lz = 0.3;
  Field k(grid), along_y(grid), along_z(grid);
  CellMask mask{grid, std::vector<std::uint8_t>(grid.cells(), 1)};
  for (std::size_t c = 0; c < grid.cells(); ++c) {
    k.values[c] = std::exp(std::sin(5.0 * c));
    along_y.values[c] = k.values[c] * (0.4 + 0.3 * std::cos(3.0 * c));
    along_z.values[c] = k.values[c] * (0.1 + 0.05 * std::cos(7.0 * c));
  }
  for (std::size_t c : {grid.index(2, 3, 1), grid.index(5, 0, 0), grid.index(6, 4, 3)}) mask.values[c] = 0;
  Problem problem = make_problem("closed", k, mask);
  problem.permeability_y = along_y;
  problem.permeability_z = along_z;
  problem.on(Side::back) = constant_boundary(grid, Side::back, BoundaryCondition::Type::pressure, 0.4);
  problem.on(Side::left) = constant_boundary(grid, Side::left, BoundaryCondition::Type::flux, -0.7);
  problem.on(Side::top) = constant_boundary(grid, Side::top, BoundaryCondition::Type::pressure, 0.2);
  for (std::size_t f = 0; f < grid.layer(); ++f) problem.on(Side::top).values[f] += 0.05 * f;
  problem.source = Field(grid, 0.2);
  problem.wells = {{.i = 2, .j = 3, .value = 1.0, .last_layer = 3},
                   {.i = 4,
                    .j = 1,
                    .control = Well::Control::pressure,
                    .value = 2.0,
                    .radius = 1e-3,
                    .first_layer = 1,
                    .last_layer = 3},
                   {.i = 1, .j = 2, .value = -1.5, .radius = 2e-3, .first_layer = 0, .last_layer = 1}};
  return problem;
}

TEST(Adjoint, IsTheGradientOfAllThatDrivesAVolume) {
  expect_gradient(volume(), {0, 18, 34, 103, 138});
}

// By the permeability along each axis in every cell that is `step`-th, the others held fixed.
void expect_own_directions(const Problem& problem, OwnDirections own, std::size_t step) {
  const FlowGradient found = gradient_of(problem, own);
  const auto expect = [&](const Field& gradient, Field Problem::*k, const std::string& what) {
    for (std::size_t c = 0; c < problem.grid().cells(); c += step) {
      if (problem.active[c])
        expect_derivative(problem, gradient.values[c], fmt::format("{} in cell {}", what, c),
                          [&](Problem& p, double h) { (p.*k).values[c] *= std::exp(h); });
      else
        EXPECT_EQ(gradient.values[c], 0.0);
    }
  };
  expect(found.by_log_permeability, &Problem::permeability, "kx");
  expect(found.by_log_permeability_y, &Problem::permeability_y, "ky");
  if (own.z) expect(found.by_log_permeability_z, &Problem::permeability_z, "kz");
}

TEST(Adjoint, HasTheGradientByEachDirection) {
  expect_own_directions(everything(rock(14, 10)), {.y = true}, 1);
  expect_own_directions(volume(), {.y = true, .z = true}, 1);
}

TEST(Adjoint, OfDirectionsAddUpToThatAtFixedRatios) {
  const Problem problem = volume();
  const FlowGradient all = gradient_of(problem), y = gradient_of(problem, {.y = true}),
                     both = gradient_of(problem, {true, true});
  EXPECT_TRUE(y.by_log_permeability_z.values.empty() && all.by_log_permeability_y.values.empty());
  for (std::size_t c = 0; c < problem.grid().cells(); ++c) {
    const double sum = all.by_log_permeability.values[c];
    EXPECT_NEAR(y.by_log_permeability.values[c] + y.by_log_permeability_y.values[c], sum, 1e-10);
    EXPECT_NEAR(both.by_log_permeability.values[c] + both.by_log_permeability_y.values[c] +
                    both.by_log_permeability_z.values[c],
                sum, 1e-10);
  }
}

TEST(Adjoint, RefusesFieldsOfAnotherGrid) {
  const Problem problem = make_problem("drive", rock(8, 8));
  const Field ours(problem.grid());
  const Stencil stencil(problem);
  EXPECT_THROW(flow_gradient(problem, stencil, {}, Field(Grid{4, 4}), ours), InvalidInput);
  EXPECT_THROW(adjoint_source(problem, {Field(Grid{4, 4})}), InvalidInput);
  EXPECT_THROW(adjoint_source(problem, {ours, {{1.0}, {}}}), InvalidInput);
  EXPECT_THROW(flow_gradient(problem, stencil, {}, ours, ours, {.z = true}), InvalidInput);
}

TEST(Adjoint, SolvesForAnyRightHandSideAndKeepsItsOwn) {
  const Problem problem = make_problem("five-spot", rock(16, 16));
  Corrector corrector(problem);
  Field rhs(problem.grid());
  for (std::size_t c = 0; c < rhs.values.size(); ++c) rhs.values[c] = std::sin(3.0 * c) + 5.0;
  const Field x = corrector.solve_for(rhs, 1e-12);
  const Stencil stencil(problem);
  // |rhs - mean - A x| over |rhs - mean|, from the residual of the problem's own right-hand side.
  double mean = 0.0;
  for (double b : rhs.values) mean += b / rhs.values.size();
  const Field left = residual(stencil, x);
  double sum = 0.0;
  double all = 0.0;
  for (std::size_t c = 0; c < rhs.values.size(); ++c) {
    const double ax = stencil.rhs[c] - left.values[c];
    sum += std::pow(rhs.values[c] - mean - ax, 2);
    all += std::pow(rhs.values[c] - mean, 2);
  }
  EXPECT_LT(std::sqrt(sum / all), 1e-10);
  EXPECT_LT(relative_residual(stencil, corrector.solve_from(Field(problem.grid()), 1e-10).pressure), 1e-10);
}

}  // namespace
}  // namespace mano
