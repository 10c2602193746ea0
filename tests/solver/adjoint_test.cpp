#include "solver/adjoint.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/error.hpp"
#include "datagen/random_field.hpp"
#include "solver/correction.hpp"
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

// Worst difference from central differences over some cells, relative to the largest derivative.
double worst(const std::function<Problem(Field)>& make, const Field& k) {
  const Problem problem = make(k);
  const Field p = solved(problem);
  const Field lambda = Corrector(problem).solve_for(by_pressure(p), kSolve);
  const Field gradient = gradient_by_log_permeability(problem, p, lambda);
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

TEST(Adjoint, KnowsSidesWellsDirectionsAndInactiveCells) {
  const auto make = [](const Field& k) {
    CellMask mask{k.grid, std::vector<std::uint8_t>(k.grid.cells(), 1)};
    for (int i = 4; i < 8; ++i) mask.values[k.grid.index(i, 5)] = 0;
    Problem problem = make_problem("closed", k, mask);
    problem.permeability_y = problem.permeability;
    for (double& value : problem.permeability_y.values) value *= 0.3;
    problem.on(Side::back) = constant_boundary(k.grid, Side::back, BoundaryCondition::Type::pressure, 0.4);
    problem.on(Side::left) = constant_boundary(k.grid, Side::left, BoundaryCondition::Type::flux, -0.7);
    problem.wells = {{.i = 2, .j = 3, .value = 1.0},
                     {.i = 11, .j = 2, .control = Well::Control::pressure, .value = 2.0, .radius = 1e-3}};
    return problem;
  };
  EXPECT_LT(worst(make, rock(14, 10)), 1e-6);
}

TEST(Adjoint, RefusesFieldsOfAnotherGrid) {
  const Problem problem = make_problem("drive", rock(8, 8));
  EXPECT_THROW(gradient_by_log_permeability(problem, Field(Grid{4, 4}), Field(Grid{8, 8})), InvalidInput);
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
