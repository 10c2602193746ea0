#pragma once
// Solves sample after sample without starting PETSc, as long as mano's own multigrid does. For programs that others own (a Python process,
// its threads and its forked workers), where MPI is better left alone until it is needed.

#include <memory>

#include "datagen/generator.hpp"
#include "solver/adjoint.hpp"
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

  /// Sets up the grid hierarchy of `problem`, as solve() does.
  void set_up(const Problem& problem) { corrector_for(problem); }

  /// The gradient of a functional of the pressure and the wells, by all that drives the flow: one more solve, of the adjoint equation
  /// (solver/adjoint.hpp), by mano's multigrid alone, to 1000 times the tolerance. `problem` is the one that was solved or set up last. What
  /// the fields hold in inactive cells counts for nothing. Throws RunFailed where the multigrid does not solve it.
  FlowGradient gradient(const Problem& problem, const Field& pressure, FunctionalSlope slope,
                        OwnDirections own = {});

 private:
  Corrector& corrector_for(const Problem& problem);

  double tolerance_;
  std::unique_ptr<Corrector> corrector_;
};

}  // namespace mano
