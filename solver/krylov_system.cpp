#include "solver/krylov_system.hpp"

#include <algorithm>
#include <cmath>

#include "solver/stencil_operator.hpp"

namespace mano {

namespace {

// The most cells that one bore joins.
PetscInt bore_cells(const Stencil& s) {
  std::size_t most = 0;
  for (const Bore& bore : s.bores) most = std::max(most, bore.cells.size());
  return static_cast<PetscInt>(most);
}

void add_bore(const Bore& bore, PetscInt begin, PetscInt end, Mat a) {
  for (std::size_t m = 0; m < bore.cells.size(); ++m) {
    const auto row = static_cast<PetscInt>(bore.cells[m]);
    if (row < begin || row >= end) continue;
    for (std::size_t n = 0; n < bore.cells.size(); ++n) {
      const double own = m == n ? bore.index[m] : 0.0;
      petsc(MatSetValue(a, row, static_cast<PetscInt>(bore.cells[n]),
                        own - bore.index[m] * (bore.index[n] / bore.total), ADD_VALUES));
    }
  }
}

// Rows in the order of the field, split among the ranks in blocks.
Matrix assemble(MPI_Comm comm, const Stencil& s) {
  const Grid& g = s.grid;
  const auto n = static_cast<PetscInt>(g.cells());
  Matrix a;
  const PetscInt most = (g.flat() ? 5 : 7) + bore_cells(s);
  petsc(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, n, n, most, nullptr, most - 1, nullptr, a.put()));
  petsc(MatSetOption(a, MAT_SYMMETRIC, PETSC_TRUE));
  PetscInt begin = 0;
  PetscInt end = 0;
  petsc(MatGetOwnershipRange(a, &begin, &end));
  const auto layer = static_cast<PetscInt>(g.layer());
  for (PetscInt row = begin; row < end; ++row) {
    const int i = row % g.nx;
    const int j = row / g.nx % g.ny;
    const int k = row / layer;
    PetscInt columns[7];
    PetscScalar values[7];
    PetscInt count = 0;
    const auto add = [&](PetscInt column, double value) {
      columns[count] = column;
      values[count++] = value;
    };
    // Of an inactive cell nothing is left: p = 0.
    add(row, s.diagonal(i, j, k) > 0 ? s.diagonal(i, j, k) : 1.0);
    if (i > 0) add(row - 1, -s.left(i, j, k));
    if (i + 1 < g.nx) add(row + 1, -s.right(i, j, k));
    if (j > 0) add(row - g.nx, -s.front(i, j, k));
    if (j + 1 < g.ny) add(row + g.nx, -s.back(i, j, k));
    if (k > 0) add(row - layer, -s.top(i, j, k));
    if (k + 1 < g.nz) add(row + layer, -s.bottom(i, j, k));
    petsc(MatSetValues(a, 1, &row, count, columns, values, ADD_VALUES));
  }
  for (const Bore& bore : s.bores) add_bore(bore, begin, end, a);
  petsc(MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY));
  petsc(MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY));
  return a;
}

// The constant is the null space where no pressure is prescribed: Krylov method and multigrid must know it.
// Constant on the active cells, that is.
void attach_null_space(MPI_Comm comm, Mat a, const CellMask& active, NullSpace& constants) {
  if (active.all()) {
    petsc(MatNullSpaceCreate(comm, PETSC_TRUE, 0, nullptr, constants.put()));
  } else {
    Vector one;
    petsc(MatCreateVecs(a, one.put(), nullptr));
    std::vector<double> values(active.values.size());
    const double value = 1.0 / std::sqrt(static_cast<double>(values.size() - active.inactive()));
    for (std::size_t c = 0; c < values.size(); ++c) values[c] = active[c] ? value : 0.0;
    fill(one, values);
    Vec vector = one;
    petsc(MatNullSpaceCreate(comm, PETSC_FALSE, 1, &vector, constants.put()));
  }
  petsc(MatSetNullSpace(a, constants));
  petsc(MatSetTransposeNullSpace(a, constants));
}

// What the preconditioner is built from where A is singular: A with one more connection, from the best
// connected cell to the pressure 0. Coarsest-grid elimination then has pivots, and the constant is projected
// out of what it returns; it is small there, since rounding leaves little flow to escape through so wide a
// connection.
Matrix without_null_space(Mat a, const Stencil& s) {
  const Grid& g = s.grid;
  PetscInt best = 0;
  double widest = 0.0;
  for (int k = 0; k < g.nz; ++k) {
    for (int j = 0; j < g.ny; ++j) {
      for (int i = 0; i < g.nx; ++i) {
        if (s.diagonal(i, j, k) <= widest) continue;
        widest = s.diagonal(i, j, k);
        best = static_cast<PetscInt>(g.index(i, j, k));
      }
    }
  }
  Matrix pinned;
  petsc(MatDuplicate(a, MAT_COPY_VALUES, pinned.put()));
  PetscInt begin = 0;
  PetscInt end = 0;
  petsc(MatGetOwnershipRange(pinned, &begin, &end));
  if (begin <= best && best < end) petsc(MatSetValue(pinned, best, best, widest, ADD_VALUES));
  petsc(MatAssemblyBegin(pinned, MAT_FINAL_ASSEMBLY));
  petsc(MatAssemblyEnd(pinned, MAT_FINAL_ASSEMBLY));
  return pinned;
}

void choose(PC pc, Preconditioner preconditioner) {
  switch (preconditioner) {
    case Preconditioner::boomeramg:
      petsc(PCSetType(pc, PCHYPRE));
      break;
    case Preconditioner::gamg:
      petsc(PCSetType(pc, PCGAMG));
      break;
    case Preconditioner::mumps:
      petsc(PCSetType(pc, PCCHOLESKY));
      petsc(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
      break;
  }
}

}  // namespace

void fill(Vec vector, const std::vector<double>& values) {
  PetscInt begin = 0;
  PetscInt end = 0;
  petsc(VecGetOwnershipRange(vector, &begin, &end));
  PetscScalar* local = nullptr;
  petsc(VecGetArray(vector, &local));
  std::copy(values.begin() + begin, values.begin() + end, local);
  petsc(VecRestoreArray(vector, &local));
}

Field gather(const KrylovSystem& system, const Grid& grid) {
  Scatter scatter;
  Vector everything;
  Vec whole = system.x;
  PetscMPIInt ranks = 1;
  MPI_Comm_size(system.comm, &ranks);
  if (ranks > 1) {
    petsc(VecScatterCreateToAll(system.x, scatter.put(), everything.put()));
    petsc(VecScatterBegin(scatter, system.x, everything, INSERT_VALUES, SCATTER_FORWARD));
    petsc(VecScatterEnd(scatter, system.x, everything, INSERT_VALUES, SCATTER_FORWARD));
    whole = everything;
  }
  Field field(grid);
  const PetscScalar* values = nullptr;
  petsc(VecGetArrayRead(whole, &values));
  std::copy(values, values + grid.cells(), field.values.begin());
  petsc(VecRestoreArrayRead(whole, &values));
  return field;
}

std::unique_ptr<KrylovSystem> assembled_system(MPI_Comm comm, const Stencil& stencil, bool singular,
                                               std::optional<Preconditioner> preconditioner,
                                               double relative_tolerance) {
  auto system = std::make_unique<KrylovSystem>();
  system->comm = comm;
  system->a = assemble(comm, stencil);
  if (singular) {
    attach_null_space(comm, system->a, stencil.active, system->constants);
    system->preconditioned = without_null_space(system->a, stencil);
  }
  petsc(MatCreateVecs(system->a, system->x.put(), system->rhs.put()));
  fill(system->rhs, stencil.rhs);
  petsc(KSPCreate(comm, system->ksp.put()));
  petsc(KSPSetOperators(system->ksp, system->a, singular ? system->preconditioned : system->a));
  petsc(KSPSetType(system->ksp, KSPCG));
  PC pc = nullptr;
  petsc(KSPGetPC(system->ksp, &pc));
  if (preconditioner) choose(pc, *preconditioner);
  const PetscInt most = preconditioner == Preconditioner::mumps ? 50 : 1000;
  petsc(KSPSetTolerances(system->ksp, relative_tolerance, 1e-300, PETSC_DEFAULT, most));
  petsc(KSPSetFromOptions(system->ksp));
  petsc(KSPSetUp(system->ksp));
  return system;
}

MultigridSystem::MultigridSystem(const Grid& grid) {
  comm = PETSC_COMM_SELF;
  tests_residual = true;
  const auto n = static_cast<PetscInt>(grid.cells());
  petsc(MatCreateShell(comm, n, n, n, n, this, a.put()));
  petsc(MatShellSetOperation(a, MATOP_MULT, reinterpret_cast<void (*)()>(multiply)));
  petsc(MatSetOption(a, MAT_SYMMETRIC, PETSC_TRUE));
  petsc(MatCreateVecs(a, x.put(), rhs.put()));
  petsc(KSPCreate(comm, ksp.put()));
  petsc(KSPSetOperators(ksp, a, a));
  petsc(KSPSetType(ksp, KSPCG));
  PC pc = nullptr;
  petsc(KSPGetPC(ksp, &pc));
  petsc(PCSetType(pc, PCSHELL));
  petsc(PCShellSetContext(pc, this));
  petsc(PCShellSetName(pc, "multigrid of mano"));
  petsc(PCShellSetApply(pc, precondition));
  petsc(KSPSetTolerances(ksp, PETSC_DEFAULT, 1e-300, PETSC_DEFAULT, kMostCycles));
  petsc(KSPSetConvergenceTest(ksp, test, this, nullptr));
}

void MultigridSystem::take(const Stencil& stencil, bool singular, Multigrid::Precision precision,
                           double relative_tolerance) {
  stencil_ = &stencil;
  multigrid_.set_up(stencil, precision);
  reference_norm_ = 0.0;
  constants = NullSpace();
  if (singular) attach_null_space(comm, a, stencil.active, constants);
  petsc(MatSetNullSpace(a, singular ? static_cast<MatNullSpace>(constants) : nullptr));
  fill(rhs, stencil.rhs);
  PetscReal norm = 0.0;
  petsc(VecNorm(rhs, NORM_2, &norm));
  rhs_norm_ = norm;
  petsc(KSPSetTolerances(ksp, relative_tolerance, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  petsc(KSPSetFromOptions(ksp));
  petsc(KSPSetUp(ksp));
}

PetscErrorCode MultigridSystem::multiply(Mat a, Vec x, Vec y) {
  void* context = nullptr;
  PetscCall(MatShellGetContext(a, &context));
  const Stencil& s = *static_cast<MultigridSystem*>(context)->stencil_;
  const PetscScalar* from = nullptr;
  PetscScalar* to = nullptr;
  PetscCall(VecGetArrayRead(x, &from));
  PetscCall(VecGetArrayWrite(y, &to));
  mano::multiply(s, from, to);
  PetscCall(VecRestoreArrayWrite(y, &to));
  PetscCall(VecRestoreArrayRead(x, &from));
  return 0;
}

PetscErrorCode MultigridSystem::precondition(PC pc, Vec r, Vec z) {
  void* context = nullptr;
  PetscCall(PCShellGetContext(pc, &context));
  auto& self = *static_cast<MultigridSystem*>(context);
  const PetscScalar* from = nullptr;
  PetscScalar* to = nullptr;
  PetscCall(VecGetArrayRead(r, &from));
  PetscCall(VecGetArrayWrite(z, &to));
  self.residual_norm_ = self.multigrid_.apply(from, to);
  PetscCall(VecRestoreArrayWrite(z, &to));
  PetscCall(VecRestoreArrayRead(r, &from));
  return 0;
}

// Both the preconditioned residual, an estimate of the error, and the residual itself must fall by the tolerance.
PetscErrorCode MultigridSystem::test(KSP ksp, PetscInt iteration, PetscReal norm, KSPConvergedReason* reason,
                                     void* context) {
  auto& self = *static_cast<MultigridSystem*>(context);
  PetscReal rtol = 0.0;
  PetscInt most = 0;
  PetscCall(KSPGetTolerances(ksp, &rtol, nullptr, nullptr, &most));
  if (self.reference_norm_ == 0.0) self.reference_norm_ = norm;
  *reason = KSP_CONVERGED_ITERATING;
  if (!std::isfinite(norm)) {
    *reason = KSP_DIVERGED_NANORINF;
  } else if (norm <= rtol * self.reference_norm_ && self.residual_norm_ <= rtol * self.rhs_norm_) {
    *reason = KSP_CONVERGED_RTOL;
  } else if (iteration >= most) {
    *reason = KSP_DIVERGED_ITS;
  }
  return 0;
}

}  // namespace mano
