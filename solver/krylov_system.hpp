#pragma once
// A x = b for PETSc's Krylov methods, with A assembled or as it stands in the stencil. Private to solver/.

#include <memory>
#include <optional>
#include <string>

#include "solver/multigrid.hpp"
#include "solver/petsc_handle.hpp"
#include "solver/stencil.hpp"

namespace mano {

/// Right-hand side, solution and Krylov method of one system.
struct KrylovSystem {
  MPI_Comm comm = MPI_COMM_NULL;
  Matrix a;
  Matrix preconditioned;  ///< what the preconditioner is built from, where that is not A
  NullSpace constants;
  Vector x;
  Vector rhs;
  Krylov ksp;
  bool tests_residual =
      false;  ///< it iterates until the residual is small too, not the preconditioned one alone
};

enum class Preconditioner { boomeramg, gamg, mumps };

/// A as a distributed sparse matrix, conjugate gradients, and one of PETSc's preconditioners, or the one that PETSc's options name;
/// they may change anything.
std::unique_ptr<KrylovSystem> assembled_system(MPI_Comm comm, const Stencil& stencil, bool singular,
                                               std::optional<Preconditioner> preconditioner,
                                               double relative_tolerance);

constexpr int kMostCycles = 60;  ///< of our multigrid: three times what the hardest known rock takes

/// A applied face by face, PETSc's conjugate gradients, and our multigrid; one rank: for PETSc's options. Otherwise
/// solver/conjugate_gradients.hpp does the same in fewer passes. Memory is used again for the next stencil on the same grid.
class MultigridSystem : public KrylovSystem {
 public:
  explicit MultigridSystem(const Grid& grid);
  /// `stencil` must outlive the solve.
  void take(const Stencil& stencil, bool singular, Multigrid::Precision precision, double relative_tolerance);

 private:
  static PetscErrorCode multiply(Mat a, Vec x, Vec y);
  static PetscErrorCode precondition(PC pc, Vec r, Vec z);
  static PetscErrorCode test(KSP ksp, PetscInt iteration, PetscReal norm, KSPConvergedReason* reason,
                             void* context);

  const Stencil* stencil_ = nullptr;
  Multigrid multigrid_;
  double rhs_norm_ = 0.0;
  double residual_norm_ = 0.0;   // of what the preconditioner saw last
  double reference_norm_ = 0.0;  // of the preconditioned residual of p = 0
};

/// Fills the local part of `vector` from all values.
void fill(Vec vector, const std::vector<double>& values);
/// The solution, on every rank.
Field gather(const KrylovSystem& system, const Grid& grid);

}  // namespace mano
