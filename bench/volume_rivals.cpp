#include "volume_rivals.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "core/error.hpp"

namespace mano {

namespace {

void require(PetscErrorCode code) {
  if (code != 0) throw RunFailed(fmt::format("PETSc error {}", static_cast<int>(code)));
}

void assemble(Mat a, const Stencil& s) {
  const Grid& g = s.grid;
  const auto layer = static_cast<PetscInt>(g.layer());
  PetscInt row = 0;
  for (int k = 0; k < g.nz; ++k) {
    for (int j = 0; j < g.ny; ++j) {
      for (int i = 0; i < g.nx; ++i, ++row) {
        PetscInt columns[7];
        double values[7];
        int count = 0;
        const auto add = [&](bool inside, PetscInt column, double value) {
          if (!inside) return;
          columns[count] = column;
          values[count++] = value;
        };
        add(k > 0, row - layer, -s.top(i, j, k));
        add(j > 0, row - g.nx, -s.front(i, j, k));
        add(i > 0, row - 1, -s.left(i, j, k));
        add(true, row, s.diagonal(i, j, k));
        add(i + 1 < g.nx, row + 1, -s.right(i, j, k));
        add(j + 1 < g.ny, row + g.nx, -s.back(i, j, k));
        add(k + 1 < g.nz, row + layer, -s.bottom(i, j, k));
        require(MatSetValues(a, 1, &row, count, columns, values, INSERT_VALUES));
      }
    }
  }
  require(MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY));
  require(MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY));
}

Mat new_matrix(const Grid& g) {
  Mat a = nullptr;
  const auto n = static_cast<PetscInt>(g.cells());
  require(MatCreateSeqAIJ(PETSC_COMM_SELF, n, n, 7, nullptr, &a));
  return a;
}

// The grid of half as many cells along one axis. A face across the axis carries half of what it did, since the cells that it joins lie
// twice as far apart; other faces carry what their two fine ones do.
Stencil halved(const Stencil& fine, Axis axis) {
  Stencil coarse = fine;
  Grid& g = coarse.grid;
  const int x = axis == Axis::x ? 2 : 1, y = axis == Axis::y ? 2 : 1, z = axis == Axis::z ? 2 : 1;
  g.nx /= x;
  g.ny /= y;
  g.nz /= z;
  coarse.tx.assign(static_cast<std::size_t>(g.nx + 1) * g.ny * g.nz, 0.0);
  coarse.ty.assign(static_cast<std::size_t>(g.ny + 1) * g.nx * g.nz, 0.0);
  coarse.tz.assign(g.cells() + g.layer(), 0.0);
  const auto other = [](int n, int step) { return step == 2 ? n + 1 : n; };
  for (int k = 0; k <= g.nz; ++k) {
    for (int j = 0; j <= g.ny; ++j) {
      for (int i = 0; i <= g.nx; ++i) {
        const int a = x * i, b = y * j, c = z * k;
        const std::size_t row = static_cast<std::size_t>(k) * g.ny + j;
        if (j < g.ny && k < g.nz)
          coarse.tx[row * (g.nx + 1) + i] =
              0.5 * (fine.left(a, b, c) + (axis == Axis::x ? 0.0 : fine.left(a, other(b, y), other(c, z))));
        if (i < g.nx && k < g.nz)
          coarse.ty[(static_cast<std::size_t>(k) * (g.ny + 1) + j) * g.nx + i] =
              0.5 * (fine.front(a, b, c) + (axis == Axis::y ? 0.0 : fine.front(other(a, x), b, other(c, z))));
        if (i < g.nx && j < g.ny)
          coarse.tz[g.index(i, j, k)] =
              0.5 * (fine.top(a, b, c) + (axis == Axis::z ? 0.0 : fine.top(other(a, x), other(b, y), c)));
      }
    }
  }
  for (std::vector<double>* t : {&coarse.tx, &coarse.ty, &coarse.tz}) {
    const bool across = t == (axis == Axis::x ? &coarse.tx : axis == Axis::y ? &coarse.ty : &coarse.tz);
    for (double& value : *t) value *= across ? 1.0 : 2.0;
  }
  return coarse;
}

// Which axes are halved next: all, or with `semi` those that couple at least a quarter as strongly as the strongest.
std::vector<Axis> next_axes(const Stencil& s, bool semi) {
  const auto mean = [](const std::vector<double>& t) {
    double sum = 0;
    for (double value : t) sum += value;
    return sum / static_cast<double>(t.size());
  };
  const double strength[] = {mean(s.tx), mean(s.ty), mean(s.tz)};
  const int cells[] = {s.grid.nx, s.grid.ny, s.grid.nz};
  double most = 0;
  for (int a = 0; a < 3; ++a) {
    if (cells[a] % 2 == 0 && cells[a] > 2) most = std::max(most, strength[a]);
  }
  std::vector<Axis> axes;
  for (int a = 0; a < 3; ++a) {
    const bool possible = cells[a] % 2 == 0 && cells[a] > 2;
    if (!possible && !semi) return {};
    if (possible && (!semi || strength[a] >= 0.25 * most)) axes.push_back(static_cast<Axis>(a));
  }
  return axes;
}

// The levels of a geometric multigrid, the finest first, rediscretised.
std::vector<Stencil> levels_of(const Stencil& finest, bool semi) {
  std::vector<Stencil> levels{finest};
  while (levels.back().grid.cells() > 64) {
    const std::vector<Axis> axes = next_axes(levels.back(), semi);
    if (axes.empty()) break;
    Stencil next = halved(levels.back(), axes[0]);
    for (std::size_t a = 1; a < axes.size(); ++a) next = halved(next, axes[a]);
    levels.push_back(std::move(next));
  }
  return levels;
}

// A cell takes the value of the coarse one that it lies in.
Mat interpolation(const Grid& fine, const Grid& coarse) {
  Mat p = nullptr;
  require(MatCreateSeqAIJ(PETSC_COMM_SELF, static_cast<PetscInt>(fine.cells()),
                          static_cast<PetscInt>(coarse.cells()), 1, nullptr, &p));
  for (int k = 0; k < fine.nz; ++k) {
    for (int j = 0; j < fine.ny; ++j) {
      for (int i = 0; i < fine.nx; ++i)
        require(MatSetValue(p, static_cast<PetscInt>(fine.index(i, j, k)),
                            static_cast<PetscInt>(coarse.index(
                                i * coarse.nx / fine.nx, j * coarse.ny / fine.ny, k * coarse.nz / fine.nz)),
                            1.0, INSERT_VALUES));
    }
  }
  require(MatAssemblyBegin(p, MAT_FINAL_ASSEMBLY));
  require(MatAssemblyEnd(p, MAT_FINAL_ASSEMBLY));
  return p;
}

}  // namespace

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
double since(double start) {
  return processor_seconds() - start;
}

PetscRival::PetscRival(const Method& method, const Problem& problem) : method_(method), problem_(problem) {
  for (const auto& [name, value] : method.options) require(PetscOptionsSetValue(nullptr, name, value));
  const Stencil stencil(problem);
  matrices_ = {new_matrix(stencil.grid)};
  require(MatCreateVecs(matrices_[0], &x_, &b_));
  require(KSPCreate(PETSC_COMM_SELF, &ksp_));
  require(KSPSetType(ksp_, KSPCG));
  require(KSPSetNormType(ksp_, KSP_NORM_UNPRECONDITIONED));
  require(KSPSetTolerances(ksp_, kTolerance, 1e-300, PETSC_DEFAULT, 500));
  if (method.levels != Method::Levels::none) add_levels(stencil);
  require(KSPSetFromOptions(ksp_));
}

PetscRival::~PetscRival() {
  KSPDestroy(&ksp_);
  for (Mat& a : matrices_) MatDestroy(&a);
  VecDestroy(&x_);
  VecDestroy(&b_);
  for (const auto& option : method_.options) PetscOptionsClearValue(nullptr, option.first);
}

Outcome PetscRival::solve() {
  const double start = processor_seconds();
  const Stencil stencil(problem_);
  assemble(matrices_[0], stencil);
  require(KSPSetOperators(ksp_, matrices_[0], matrices_[0]));
  if (method_.levels != Method::Levels::none && !method_.galerkin) refresh_levels(stencil);
  double* rhs = nullptr;
  require(VecGetArray(b_, &rhs));
  std::copy(stencil.rhs.begin(), stencil.rhs.end(), rhs);
  require(VecRestoreArray(b_, &rhs));
  require(KSPSolve(ksp_, b_, x_));
  Outcome outcome{since(start), 0, Field(stencil.grid)};
  KSPConvergedReason reason{};
  require(KSPGetConvergedReason(ksp_, &reason));
  PetscInt iterations = 0;
  require(KSPGetIterationNumber(ksp_, &iterations));
  outcome.iterations = reason > 0 ? static_cast<int>(iterations) : -1;
  const double* solution = nullptr;
  require(VecGetArrayRead(x_, &solution));
  std::copy(solution, solution + stencil.grid.cells(), outcome.pressure.values.begin());
  require(VecRestoreArrayRead(x_, &solution));
  return outcome;
}

void PetscRival::add_levels(const Stencil& stencil) {
  const std::vector<Stencil> levels = levels_of(stencil, method_.levels == Method::Levels::semi);
  const auto count = static_cast<PetscInt>(levels.size());
  PC pc = nullptr;
  require(KSPGetPC(ksp_, &pc));
  require(PCSetType(pc, PCMG));
  require(PCMGSetLevels(pc, count, nullptr));
  if (method_.galerkin) require(PCMGSetGalerkin(pc, PC_MG_GALERKIN_BOTH));
  for (PetscInt l = 1; l < count; ++l) {  // PETSc counts from the coarsest
    Mat p = interpolation(levels[count - 1 - l].grid, levels[count - l].grid);
    require(PCMGSetInterpolation(pc, l, p));
    require(MatDestroy(&p));
  }
  for (std::size_t l = 1; l < levels.size() && !method_.galerkin; ++l)
    matrices_.push_back(new_matrix(levels[l].grid));
}

void PetscRival::refresh_levels(const Stencil& stencil) {
  const std::vector<Stencil> levels = levels_of(stencil, method_.levels == Method::Levels::semi);
  PC pc = nullptr;
  require(KSPGetPC(ksp_, &pc));
  for (std::size_t l = 0; l < levels.size(); ++l) {
    if (l > 0) assemble(matrices_[l], levels[l]);
    KSP smoother = nullptr;
    const auto level = static_cast<PetscInt>(levels.size() - 1 - l);
    require(level == 0 ? PCMGGetCoarseSolve(pc, &smoother) : PCMGGetSmoother(pc, level, &smoother));
    require(KSPSetOperators(smoother, matrices_[l], matrices_[l]));
  }
}

std::vector<Method> rivals() {
  const auto hypre = [](const char* name, std::vector<std::pair<const char*, const char*>> more) {
    more.insert(more.begin(), {"-pc_type", "hypre"});
    return Method{name, Method::Levels::none, false, more};
  };
  const std::vector<std::pair<const char*, const char*>> sor{
      {"-mg_levels_ksp_type", "richardson"}, {"-mg_levels_pc_type", "sor"}, {"-mg_levels_ksp_max_it", "1"}};
  const std::vector<std::pair<const char*, const char*>> icc{
      {"-mg_levels_ksp_type", "richardson"}, {"-mg_levels_pc_type", "icc"}, {"-mg_levels_ksp_max_it", "1"}};
  return {
      hypre("hypre BoomerAMG, as PETSc sets it", {}),
      hypre("hypre BoomerAMG, HMIS, ext+i", {{"-pc_hypre_boomeramg_coarsen_type", "HMIS"},
                                             {"-pc_hypre_boomeramg_interp_type", "ext+i"},
                                             {"-pc_hypre_boomeramg_P_max", "4"}}),
      hypre("hypre BoomerAMG, PMIS, ext+i, threshold 0.5", {{"-pc_hypre_boomeramg_coarsen_type", "PMIS"},
                                                            {"-pc_hypre_boomeramg_interp_type", "ext+i"},
                                                            {"-pc_hypre_boomeramg_P_max", "4"},
                                                            {"-pc_hypre_boomeramg_strong_threshold", "0.5"}}),
      hypre("hypre BoomerAMG, HMIS, ext+i, one aggressive level",
            {{"-pc_hypre_boomeramg_coarsen_type", "HMIS"},
             {"-pc_hypre_boomeramg_interp_type", "ext+i"},
             {"-pc_hypre_boomeramg_P_max", "4"},
             {"-pc_hypre_boomeramg_agg_nl", "1"}}),
      {"PETSc GAMG", Method::Levels::none, false, {{"-pc_type", "gamg"}, {"-mg_levels_ksp_max_it", "2"}}},
      {"PETSc geometric multigrid, SOR", Method::Levels::full, false, sor},
      {"PETSc geometric multigrid, semi-coarsening, SOR", Method::Levels::semi, false, sor},
      {"PETSc geometric multigrid, semi-coarsening, ICC", Method::Levels::semi, false, icc},
      {"PETSc geometric multigrid, Galerkin, SOR", Method::Levels::full, true, sor},
  };
}

}  // namespace mano
