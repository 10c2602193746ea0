#include "apps/samples/sample_solver.hpp"

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

Field SampleSolver::solve_for(const Problem& problem, const Field& rhs) {
  return corrector_for(problem).solve_for(rhs, tolerance_);
}

}  // namespace mano
