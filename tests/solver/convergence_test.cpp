// The scheme is of second order for smooth k: slopes fitted on exact solutions.
#include <gtest/gtest.h>

#include <cmath>

#include "core/norms.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/problems.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

double pressure_error(const Problem& problem, const Field& p) {
  return relative_l2(p, sampled(problem.grid(), Manufactured::p));
}

// Of the flux through all faces, boundaries included, against -k grad p at their centres.
double flux_error(const Problem& problem, const Field& p) {
  const Grid& g = problem.grid();
  const FaceFlux flux = face_flux(problem, p);
  double difference = 0, size = 0;
  const auto add = [&](double u, double exact) {
    difference += (u - exact) * (u - exact);
    size += exact * exact;
  };
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i <= g.nx; ++i) {
      const double x = i * g.hx(), y = g.y(j);
      add(flux.ux[static_cast<std::size_t>(j) * (g.nx + 1) + i],
          -Manufactured::k(x, y) * Manufactured::px(x, y));
    }
  }
  for (int j = 0; j <= g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const double x = g.x(i), y = j * g.hy();
      add(flux.uy[static_cast<std::size_t>(j) * g.nx + i], -Manufactured::k(x, y) * Manufactured::py(x, y));
    }
  }
  return std::sqrt(difference / size);
}

// Slope of log(error) over log(h), least squares.
double observed_order(bool mixed, double (*error)(const Problem&, const Field&)) {
  std::vector<double> x, y;
  for (int n : {12, 24, 48, 96}) {  // cells of 2/n x 2/(3n): not square
    const Problem problem = Manufactured::problem(n, 3 * n / 2, mixed);
    const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-12});
    EXPECT_TRUE(result.converged) << result.reason;
    x.push_back(std::log(1.0 / n));
    y.push_back(std::log(error(problem, result.pressure)));
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
  EXPECT_NEAR(observed_order(false, pressure_error), 2.0, tolerance::kOrder);
}

TEST(Convergence, SecondOrderWithMixedBoundaries) {
  EXPECT_NEAR(observed_order(true, pressure_error), 2.0, tolerance::kOrder);
}

// Face by face, boundaries included: the pressure's error is smooth, and its differences keep the order.
TEST(Convergence, FluxIsOfSecondOrderToo) {
  EXPECT_NEAR(observed_order(false, flux_error), 2.0, tolerance::kOrder);
  EXPECT_NEAR(observed_order(true, flux_error), 2.0, tolerance::kOrder);
}

}  // namespace
}  // namespace mano
