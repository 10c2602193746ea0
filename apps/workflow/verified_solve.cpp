#include "apps/workflow/verified_solve.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "solver/stencil.hpp"

namespace mano {

std::string rejection_of(const Problem& problem, const Field& pressure, double tolerance) {
  const std::string violation = maximum_principle_violation(problem, pressure);
  if (!violation.empty()) return violation;
  const Stencil stencil(problem);
  const double residual = relative_residual(stencil, pressure);
  if (residual <= tolerance) return "";
  const double bound = std::max(tolerance, attainable_relative_residual(stencil, pressure));
  // Not <=: a residual that is not a number is rejected too.
  return residual <= bound ? "" : fmt::format("relative residual {:.3g} is above {:.3g}", residual, bound);
}

VerifiedSolution verified_solve(DarcySolver& solver, const Problem& problem) {
  SolveResult result = solver.solve(problem);
  VerifiedSolution verified;
  verified.pressure = std::move(result.pressure);
  verified.iterations = result.iterations;
  verified.relative_residual = result.relative_residual;
  verified.method = to_string(result.method);
  if (!result.converged) {
    verified.rejection = fmt::format("no convergence ({}) after {} iterations, relative residual {:.3g}",
                                     result.reason, result.iterations, result.relative_residual);
  } else {
    verified.rejection = rejection_of(problem, verified.pressure, result.tolerance);
  }
  return verified;
}

}  // namespace mano
