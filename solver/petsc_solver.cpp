#include <algorithm>
#include <cmath>

#include "core/clock.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/petsc_handle.hpp"
#include "solver/stencil.hpp"

namespace mano {

namespace {

// A handful of cells is not worth sharing: then every rank solves the whole problem.
MPI_Comm communicator(const Grid& grid, SolverOptions::Ranks ranks) {
  constexpr std::size_t kCellsWorthARank = 64;
  PetscMPIInt size = 1;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  const bool share = ranks == SolverOptions::Ranks::all && grid.cells() >= kCellsWorthARank * size;
  return share ? PETSC_COMM_WORLD : PETSC_COMM_SELF;
}

// Rows in the order of the field, split among the ranks in blocks.
Matrix assemble(MPI_Comm comm, const Stencil& s) {
  const Grid& g = s.grid;
  const auto n = static_cast<PetscInt>(g.cells());
  Matrix a;
  petsc(MatCreateAIJ(comm, PETSC_DECIDE, PETSC_DECIDE, n, n, 5, nullptr, 4, nullptr, a.put()));
  petsc(MatSetOption(a, MAT_SYMMETRIC, PETSC_TRUE));
  PetscInt begin = 0;
  PetscInt end = 0;
  petsc(MatGetOwnershipRange(a, &begin, &end));
  for (PetscInt row = begin; row < end; ++row) {
    const int i = row % g.nx;
    const int j = row / g.nx;
    PetscInt columns[5];
    PetscScalar values[5];
    PetscInt count = 0;
    const auto add = [&](PetscInt column, double value) {
      columns[count] = column;
      values[count++] = value;
    };
    add(row, s.diagonal(i, j));
    if (i > 0) add(row - 1, -s.left(i, j));
    if (i + 1 < g.nx) add(row + 1, -s.right(i, j));
    if (j > 0) add(row - g.nx, -s.below(i, j));
    if (j + 1 < g.ny) add(row + g.nx, -s.above(i, j));
    petsc(MatSetValues(a, 1, &row, count, columns, values, INSERT_VALUES));
  }
  petsc(MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY));
  petsc(MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY));
  return a;
}

// The constant is the null space where no pressure is prescribed: Krylov method and multigrid must know it.
void attach_null_space(MPI_Comm comm, Mat a) {
  NullSpace constants;
  petsc(MatNullSpaceCreate(comm, PETSC_TRUE, 0, nullptr, constants.put()));
  petsc(MatSetNullSpace(a, constants));
  petsc(MatSetTransposeNullSpace(a, constants));
}

void fill(Vec vector, const std::vector<double>& values) {
  PetscInt begin = 0;
  PetscInt end = 0;
  petsc(VecGetOwnershipRange(vector, &begin, &end));
  PetscScalar* local = nullptr;
  petsc(VecGetArray(vector, &local));
  std::copy(values.begin() + begin, values.begin() + end, local);
  petsc(VecRestoreArray(vector, &local));
}

Field gather(Vec distributed, const Grid& grid) {
  Scatter scatter;
  Vector whole;
  petsc(VecScatterCreateToAll(distributed, scatter.put(), whole.put()));
  petsc(VecScatterBegin(scatter, distributed, whole, INSERT_VALUES, SCATTER_FORWARD));
  petsc(VecScatterEnd(scatter, distributed, whole, INSERT_VALUES, SCATTER_FORWARD));
  Field field(grid);
  const PetscScalar* values = nullptr;
  petsc(VecGetArrayRead(whole, &values));
  std::copy(values, values + grid.cells(), field.values.begin());
  petsc(VecRestoreArrayRead(whole, &values));
  return field;
}

// What the preconditioner is built from where A is singular: A with one more connection, from the best
// connected cell to the pressure 0. Coarsest-grid elimination then has pivots, and the constant is projected
// out of what it returns; it is small there, since rounding leaves little flow to escape through so wide a
// connection.
Matrix without_null_space(Mat a, const Stencil& s) {
  const Grid& g = s.grid;
  PetscInt best = 0;
  double widest = 0.0;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      if (s.diagonal(i, j) <= widest) continue;
      widest = s.diagonal(i, j);
      best = static_cast<PetscInt>(g.index(i, j));
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

Krylov make_krylov(MPI_Comm comm, Mat a, Mat preconditioned, double relative_tolerance) {
  Krylov ksp;
  petsc(KSPCreate(comm, ksp.put()));
  petsc(KSPSetOperators(ksp, a, preconditioned));
  petsc(KSPSetType(ksp, KSPCG));
  PC pc = nullptr;
  petsc(KSPGetPC(ksp, &pc));
  // BoomerAMG holds its iterations on thin cells and high contrasts, where GAMG needs ten to a hundred times as many.
  PetscBool has_hypre = PETSC_FALSE;
  petsc(PetscHasExternalPackage("hypre", &has_hypre));
  petsc(PCSetType(pc, has_hypre ? PCHYPRE : PCGAMG));
  petsc(KSPSetTolerances(ksp, relative_tolerance, 1e-300, PETSC_DEFAULT, PETSC_DEFAULT));
  petsc(KSPSetFromOptions(ksp));
  return ksp;
}

void pin_mean(Field& pressure) {
  double mean = 0.0;
  for (double p : pressure.values) mean += p;
  mean /= static_cast<double>(pressure.values.size());
  for (double& p : pressure.values) p -= mean;
}

// Iterates until the true residual is within the tolerance too: where the preconditioned one was too easily content,
// go on from the pressure reached with a bound a hundred times tighter.
void iterate(KSP ksp, Vec rhs, Vec x, const Problem& problem, const Stencil& stencil, SolveResult& result) {
  PetscReal rtol = 0.0;
  PetscReal atol = 0.0;
  PetscReal dtol = 0.0;
  PetscInt maximum = 0;
  petsc(KSPGetTolerances(ksp, &rtol, &atol, &dtol, &maximum));
  result.tolerance = rtol;
  double tightened = rtol;
  for (int attempt = 0; attempt < 3; ++attempt, tightened /= 100) {
    petsc(KSPSetTolerances(ksp, tightened, atol, dtol, maximum));
    petsc(KSPSetInitialGuessNonzero(ksp, attempt > 0 ? PETSC_TRUE : PETSC_FALSE));
    petsc(KSPSolve(ksp, rhs, x));
    KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
    PetscInt iterations = 0;
    petsc(KSPGetConvergedReason(ksp, &reason));
    petsc(KSPGetIterationNumber(ksp, &iterations));
    result.iterations += iterations;
    result.reason = KSPConvergedReasons[reason];
    result.pressure = gather(x, stencil.grid);
    if (problem.pressure_is_free()) pin_mean(result.pressure);
    result.relative_residual = relative_residual(stencil, result.pressure);
    const double attainable = attainable_relative_residual(stencil, result.pressure);
    // Near what rounding allows, the preconditioned residual's square may come out negative: begin anew from
    // there.
    const bool rounding = reason == KSP_DIVERGED_INDEFINITE_PC || reason == KSP_DIVERGED_INDEFINITE_MAT ||
                          reason == KSP_DIVERGED_BREAKDOWN;
    result.converged =
        (reason > 0 || rounding) && result.relative_residual <= std::max<double>(rtol, attainable);
    // Rounding mostly allows an eighth of what it guarantees: try for that.
    if ((reason < 0 && !rounding) || result.relative_residual <= std::max<double>(rtol, attainable / 8))
      break;
  }
  if (!result.converged && result.reason.rfind("CONVERGED", 0) == 0)
    result.reason = "TRUE_RESIDUAL_ABOVE_TOLERANCE";
}

}  // namespace

double solve_memory(const Grid& grid) {
  // Measured at 2048x2048: BoomerAMG's hierarchy, matrix and vectors take 0.5 kB a cell. Others take up to twice that.
  return 1000.0 * static_cast<double>(grid.cells());
}

SolveResult solve_darcy(const Problem& problem, const SolverOptions& options) {
  const MPI_Comm comm = communicator(problem.grid(), options.ranks);
  const double start = seconds_now();
  const Stencil stencil(problem);
  if (std::all_of(stencil.rhs.begin(), stencil.rhs.end(), [](double b) { return b == 0.0; })) {
    return {.pressure = Field(stencil.grid),
            .converged = true,
            .reason = "NOTHING_DRIVES_THE_FLOW",
            .tolerance = options.relative_tolerance};
  }
  const Matrix a = assemble(comm, stencil);
  Matrix pinned;
  if (problem.pressure_is_free()) {
    attach_null_space(comm, a);
    pinned = without_null_space(a, stencil);
  }
  Vector x;
  Vector rhs;
  petsc(MatCreateVecs(a, x.put(), rhs.put()));
  fill(rhs, stencil.rhs);
  const Krylov ksp =
      make_krylov(comm, a, problem.pressure_is_free() ? pinned : a, options.relative_tolerance);
  petsc(KSPSetUp(ksp));

  SolveResult result;
  const double ready = seconds_now();
  result.seconds_setup = ready - start;
  iterate(ksp, rhs, x, problem, stencil, result);
  result.seconds_solve = seconds_now() - ready;
  double sum = 0.0;
  for (double r : residual(stencil, result.pressure).values) sum += r * r;
  result.residual_norm = std::sqrt(sum);
  return result;
}

}  // namespace mano
