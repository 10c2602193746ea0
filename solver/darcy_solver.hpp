#pragma once
// Solves the discrete Darcy problem of solver/stencil.hpp with PETSc: conjugate gradients, preconditioned by algebraic
// multigrid (hypre's BoomerAMG, or GAMG in a PETSc without hypre) unless PETSc's options say otherwise. Without PETSc every function here throws MissingPart.

#include <memory>
#include <string>
#include <vector>

#include "solver/problem.hpp"

namespace mano {

/// PETSc and MPI for as long as the object lives; at most one at a time. `options` are PETSc's own, as on a command
/// line: {"-ksp_monitor", "-pc_type", "hypre"}. Throws RunFailed where PETSc cannot start.
class PetscSession {
 public:
  explicit PetscSession(const std::vector<std::string>& options);
  ~PetscSession();
  PetscSession(const PetscSession&) = delete;
  PetscSession& operator=(const PetscSession&) = delete;

  int rank() const;
  int ranks() const;
  void barrier() const;
  int maximum(int value) const;               ///< over all ranks; collective
  std::vector<std::string> unused() const;    ///< options that nothing has read: most likely misspelt
  [[noreturn]] void abort(int status) const;  ///< ends all ranks
};

struct SolverOptions {
  enum class Ranks { self, all };  ///< every rank solves its own problem, or all ranks solve one together
  /// Bound on the preconditioned residual relative to that of p = 0 (an estimate of the relative error) and on the
  /// true relative residual |rhs - A p| / |rhs|, the latter down to what rounding allows. -ksp_rtol overrides it.
  double relative_tolerance = 1e-10;
  Ranks ranks = Ranks::all;
};

struct SolveResult {
  Field pressure;  ///< on every rank
  bool converged = false;
  std::string reason;  ///< PETSc's word for why the iteration ended
  int iterations = 0;
  double tolerance = 0.0;          ///< that held, -ksp_rtol included
  double residual_norm = 0.0;      ///< |rhs - A p|, recomputed from p
  double relative_residual = 0.0;  ///< residual_norm / |rhs|, recomputed from p
  double seconds_setup = 0.0;      ///< assembly and preconditioner
  double seconds_solve = 0.0;      ///< iterations
};

/// Bytes that one solve needs at most, for a check before any work.
double solve_memory(const Grid& grid);

/// Collective over the ranks chosen. Needs a PetscSession. A solve that does not converge is a result, not an error.
/// Throws RunFailed where PETSc reports an error.
SolveResult solve_darcy(const Problem& problem, const SolverOptions& options = {});

}  // namespace mano
