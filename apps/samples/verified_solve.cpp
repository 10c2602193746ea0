#include "apps/samples/verified_solve.hpp"

#include "core/error.hpp"

namespace mano {

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
