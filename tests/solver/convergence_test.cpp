// The scheme is of second order for smooth k: slopes fitted on exact solutions.
#include <gtest/gtest.h>

#include <cmath>

#include "core/norms.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/problems.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

// Slope of log(error) over log(h), least squares.
double observed_order(bool mixed) {
  std::vector<double> x, y;
  for (int n : {12, 24, 48, 96}) {  // cells of 2/n x 2/(3n): not square
    const Problem problem = Manufactured::problem(n, 3 * n / 2, mixed);
    const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-12});
    EXPECT_TRUE(result.converged) << result.reason;
    x.push_back(std::log(1.0 / n));
    y.push_back(std::log(relative_l2(result.pressure, sampled(problem.grid(), Manufactured::p))));
  }
  const auto n = static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sx += x[i];
    sy += y[i];
    sxx += x[i] * x[i];
    sxy += x[i] * y[i];
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

TEST(Convergence, SecondOrderWithPressureBoundaries) {
  EXPECT_NEAR(observed_order(false), 2.0, tolerance::kOrder);
}

TEST(Convergence, SecondOrderWithMixedBoundaries) {
  EXPECT_NEAR(observed_order(true), 2.0, tolerance::kOrder);
}

}  // namespace
}  // namespace mano
