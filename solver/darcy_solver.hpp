#pragma once
// Solves the discrete Darcy problem of solver/stencil.hpp: conjugate gradients (solver/conjugate_gradients.hpp), preconditioned by the multigrid
// of solver/multigrid.hpp, on one rank or on several that share the grid in slabs of rows. Where that fails, PETSc's conjugate
// gradients with hypre's BoomerAMG (GAMG in a PETSc without hypre), and last a factorisation by MUMPS. PETSc's options override all of it: with
// -pc_type or -ksp_type the matrix is assembled and PETSc does as it is told. Without PETSc every function here throws MissingPart.

#include <cstdint>
#include <memory>
#include <optional>
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

/// Groups of neighbouring ranks, each of which solves problems of its own. Needs a PetscSession, and must not outlive it.
class RankGroups {
 public:
  /// Throws InvalidInput unless `size` divides the number of ranks.
  RankGroups(const PetscSession& session, int size);
  ~RankGroups();
  int number() const { return number_; }  ///< of this rank's group
  int count() const { return count_; }
  bool leads() const { return rank_ == 0; }
  std::uint64_t broadcast(
      std::uint64_t value) const;  ///< the leader's value, for all of the group; collective in it

 private:
  friend class DarcySolver;
  struct Communicator;
  std::unique_ptr<Communicator> communicator_;
  int rank_ = 0;
  int number_ = 0;
  int count_ = 1;
};

enum class SolverMethod { none, multigrid, multigrid_double, boomeramg, gamg, mumps, petsc_options };
std::string to_string(SolverMethod method);

struct SolverOptions {
  enum class Ranks { self, all };  ///< every rank solves its own problem, or all ranks solve one together
  /// Bound on the preconditioned residual relative to that of p = 0 (an estimate of the relative error) and on the
  /// true relative residual |rhs - A p| / |rhs|, the latter down to what rounding allows. -ksp_rtol overrides it.
  double relative_tolerance = 1e-10;
  Ranks ranks = Ranks::all;
  const RankGroups* group = nullptr;   ///< instead of `ranks`: this rank's group solves together
  std::optional<SolverMethod> method;  ///< this one alone, instead of the chain
};

struct SolveResult {
  Field pressure;  ///< on every rank; 0 in inactive cells, which have none
  bool converged = false;
  SolverMethod method = SolverMethod::none;  ///< whose pressure it is; none where nothing drives the flow
  std::string reason;                        ///< PETSc's word for why the iteration ended
  int iterations = 0;                        ///< of all methods that were tried
  double tolerance = 0.0;                    ///< that held, -ksp_rtol included
  double residual_norm = 0.0;                ///< |rhs - A p|, recomputed from p
  double relative_residual = 0.0;            ///< residual_norm / |rhs|, recomputed from p
  double seconds_setup = 0.0;                ///< assembly and preconditioner
  double seconds_solve = 0.0;                ///< iterations
};

/// Bytes that one solve needs at most, for a check before any work.
double solve_memory(const Grid& grid);

/// Solves one problem after another; what was allocated for one serves the next on the same grid.
class DarcySolver {
 public:
  explicit DarcySolver(const SolverOptions& options = {});
  ~DarcySolver();
  /// Collective over the ranks chosen. Needs a PetscSession, and must not outlive it. A solve that does not converge is a
  /// result, not an error. Throws InvalidInput as check_problem() does, and RunFailed where PETSc reports an error.
  SolveResult solve(const Problem& problem);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One problem alone.
SolveResult solve_darcy(const Problem& problem, const SolverOptions& options = {});

}  // namespace mano
