#include "apps/samples/sample_solver.hpp"

#include <algorithm>

#include "apps/samples/petsc_reserve.hpp"
#include "core/error.hpp"
#include "solver/verification.hpp"

namespace mano {

SampleSolver::SampleSolver(double tolerance) : tolerance_(tolerance) {
  check(tolerance > 0 && tolerance < 1, "tolerance is {}; it must lie in (0, 1)", tolerance);
}

Corrector& SampleSolver::corrector_for(const Problem& problem) {
  if (corrector_ == nullptr) {
    corrector_ = std::make_unique<Corrector>(problem);
  } else {
    corrector_->take(problem);
  }
  return *corrector_;
}

VerifiedSolution SampleSolver::solve(const Problem& problem) {
  VerifiedSolution s;
  try {
    auto solved = corrector_for(problem).solve_from(Field(problem.grid()), tolerance_);
    s = {std::move(solved.pressure), solved.cycles, solved.relative_residual, "", "multigrid"};
    s.rejection = rejection_of(problem, s.pressure, tolerance_);
    if (s.rejection.empty()) return s;
  } catch (const RunFailed&) {  // PETSc knows more methods
  }
  s = solve_with_petsc(problem, tolerance_);
  if (!s.rejection.empty()) throw RunFailed(s.rejection);
  return s;
}

FlowGradient SampleSolver::gradient(const Problem& problem, const Field& pressure, FunctionalSlope slope,
                                    OwnDirections own) {
  const WellSlopes by_wells = slope.by_wells;
  // The gradient is linear in the adjoint, whose error is its own: 1e-7 at the usual tolerance.
  Field adjoint =
      corrector_->solve_for(adjoint_source(problem, std::move(slope)), std::min(1e-6, 1000 * tolerance_));
  return flow_gradient(problem, corrector_->stencil(), by_wells, pressure, std::move(adjoint), own);
}

}  // namespace mano
