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

FlowGradient gradient_of(const Problem& problem, const FunctionalSlope& slope) {
  Corrector corrector(problem);
  const Field p = corrector.solve_from(Field(problem.grid()), kSolve).pressure;
  const Field lambda = corrector.solve_for(adjoint_source(problem, slope), kSolve);
  return flow_gradient(problem, corrector.stencil(), slope.by_wells, p, lambda);
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

TEST(Adjoint, IsTheGradientOfAllThatDrivesTheFlow) {
  const Problem problem = everything(rock(14, 10));
  const FlowGradient found =
      gradient_of(problem, {by_pressure(solved(problem)), {kRateWeights, kBoreWeights}});
  const auto expect = [&](double derivative, const std::string& what,
                          const std::function<void(Problem&, double)>& change) {
    const double h = 1e-3;
    Problem more = problem;
    Problem less = problem;
    change(more, h);
    change(less, -h);
    EXPECT_NEAR(derivative, (functional(more) - functional(less)) / (2 * h),
                1e-6 * (1.0 + std::abs(derivative)))
        << what;
  };
  for (std::size_t w = 0; w < 3; ++w)
    expect(found.by_well[w], fmt::format("well {}", w), [&](Problem& p, double h) { p.wells[w].value += h; });
  for (std::size_t c : {0, 18, 34, 103})
    expect(found.by_source.values[c], fmt::format("source in {}", c),
           [&](Problem& p, double h) { p.source.values[c] += h; });
  for (Side side : {Side::back, Side::left})
    expect(found.by_boundary[static_cast<int>(side)][4], name_of(side, problem.grid()),
           [&](Problem& p, double h) { p.on(side).values[4] += h; });
  for (const Well& well : problem.wells) {
    const std::size_t c = problem.grid().index(well.i, well.j);
    expect(found.by_log_permeability.values[c], fmt::format("k in the well's cell {}", c),
           [&](Problem& p, double h) {
             p.permeability.values[c] *= std::exp(h);
             p.permeability_y.values[c] *= std::exp(h);
           });
  }
  for (int i = 4; i < 8; ++i) EXPECT_EQ(found.by_source.values[problem.grid().index(i, 5)], 0.0);
}

TEST(Adjoint, RefusesFieldsOfAnotherGrid) {
  const Problem problem = make_problem("drive", rock(8, 8));
  const Field ours(problem.grid());
  const Stencil stencil(problem);
  EXPECT_THROW(flow_gradient(problem, stencil, {}, Field(Grid{4, 4}), ours), InvalidInput);
  EXPECT_THROW(adjoint_source(problem, {Field(Grid{4, 4})}), InvalidInput);
  EXPECT_THROW(adjoint_source(problem, {ours, {{1.0}, {}}}), InvalidInput);
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
