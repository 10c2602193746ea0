#pragma once
// Solves sample after sample without starting PETSc, as long as mano's own multigrid does. For programs that others own (a Python process,
// its threads and its forked workers), where MPI is better left alone until it is needed.

#include <memory>

#include "datagen/generator.hpp"
#include "solver/correction.hpp"

namespace mano {

/// Of one thread. What was allocated for one problem serves the next.
class SampleSolver {
 public:
  /// `tolerance` bounds the true relative residual, down to what rounding allows.
  explicit SampleSolver(double tolerance);

  /// By conjugate gradients with the multigrid of solver/correction.hpp; where that fails, by PETSc's chain (solver/darcy_solver.hpp), which
  /// is then started for as long as the process lives. Verified: throws RunFailed for a pressure that must not be handed on, and where
  /// PETSc is needed in a process that was forked after it had been started. Throws InvalidInput as check_problem() does.
  VerifiedSolution solve(const Problem& problem);

  /// x of A x = rhs for the matrix of `problem`, the adjoint equation: A is symmetric. `rhs` [ny, nx] is not counted in inactive cells, and
  /// only up to its mean where the pressure is free; x has mean zero then. Throws as solve().
  Field solve_for(const Problem& problem, const Field& rhs);

 private:
  Corrector& corrector_for(const Problem& problem);

  double tolerance_;
  std::unique_ptr<Corrector> corrector_;
};

}  // namespace mano
