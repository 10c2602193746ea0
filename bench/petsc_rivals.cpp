// What PETSc itself takes for the problems of a dataset of the benchmark set-up: assembly, set-up and conjugate gradients to a
// true relative residual of 1e-8, objects kept from sample to sample. Prints one line of JSON a method.
//
//   petsc_rivals DATA.h5 [PETSc options: the method 'options' takes them]
#include <fmt/core.h>
#include <petscdmda.h>
#include <petscksp.h>

#include <chrono>
#include <cstring>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "datagen/dataset.hpp"
#include "solver/stencil.hpp"

namespace {

using namespace mano;

void require(PetscErrorCode code) {
  if (code != 0) throw RunFailed(fmt::format("PETSc error {}", static_cast<int>(code)));
}

void assemble(Mat a, const Stencil& s) {
  const Grid& g = s.grid;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const MatStencil row{0, j, i, 0};
      MatStencil columns[5];
      double values[5];
      int count = 0;
      const auto add = [&](int ci, int cj, double value) {
        columns[count] = {0, cj, ci, 0};
        values[count++] = value;
      };
      add(i, j, s.diagonal(i, j));
      if (i > 0) add(i - 1, j, -s.left(i, j));
      if (i + 1 < g.nx) add(i + 1, j, -s.right(i, j));
      if (j > 0) add(i, j - 1, -s.front(i, j));
      if (j + 1 < g.ny) add(i, j + 1, -s.back(i, j));
      require(MatSetValuesStencil(a, 1, &row, count, columns, values, INSERT_VALUES));
    }
  }
  require(MatAssemblyBegin(a, MAT_FINAL_ASSEMBLY));
  require(MatAssemblyEnd(a, MAT_FINAL_ASSEMBLY));
}

void set_options(const std::vector<std::pair<const char*, const char*>>& options) {
  for (const auto& [name, value] : options) require(PetscOptionsSetValue(nullptr, name, value));
}

// The problem on the grid of half as many cells each way: a coarse face carries half of what its two fine ones do, since the
// cells that it joins lie twice as far apart.
Stencil coarsened(const Stencil& fine) {
  Stencil coarse = fine;
  coarse.grid.nx /= 2;
  coarse.grid.ny /= 2;
  const Grid& g = coarse.grid;
  coarse.tx.assign(static_cast<std::size_t>(g.nx + 1) * g.ny, 0.0);
  coarse.ty.assign(static_cast<std::size_t>(g.ny + 1) * g.nx, 0.0);
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i <= g.nx; ++i)
      coarse.tx[static_cast<std::size_t>(j) * (g.nx + 1) + i] =
          0.5 * (fine.left(2 * i, 2 * j) + fine.left(2 * i, 2 * j + 1));
  }
  for (int j = 0; j <= g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i)
      coarse.ty[static_cast<std::size_t>(j) * g.nx + i] =
          0.5 * (fine.front(2 * i, 2 * j) + fine.front(2 * i + 1, 2 * j));
  }
  return coarse;
}

struct Rediscretised {
  std::vector<Stencil> levels;

  static PetscErrorCode compute(KSP ksp, Mat, Mat a, void* context) {
    DM da = nullptr;
    PetscInt nx = 0;
    PetscCall(KSPGetDM(ksp, &da));
    PetscCall(DMDAGetInfo(da, nullptr, &nx, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                          nullptr, nullptr, nullptr, nullptr));
    for (const Stencil& level : static_cast<Rediscretised*>(context)->levels) {
      if (level.grid.nx == nx) assemble(a, level);
    }
    return 0;
  }
};

struct Method {
  const char* name;
  bool rediscretised;
  std::vector<std::pair<const char*, const char*>> options;
};

void run(const Method& method, const DatasetReader& data) {
  const Grid grid = data.info().grid;
  set_options(method.options);
  DM da = nullptr;
  require(DMDACreate2d(PETSC_COMM_SELF, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, grid.nx,
                       grid.ny, 1, 1, 1, 1, nullptr, nullptr, &da));
  require(DMSetMatType(da, MATAIJ));
  require(DMDASetInterpolationType(da, DMDA_Q0));  // cell centres
  require(DMSetUp(da));
  Mat a = nullptr;
  Vec x = nullptr;
  Vec b = nullptr;
  KSP ksp = nullptr;
  require(DMCreateMatrix(da, &a));
  require(MatCreateVecs(a, &x, &b));
  require(KSPCreate(PETSC_COMM_SELF, &ksp));
  require(KSPSetDM(ksp, da));
  require(KSPSetDMActive(ksp, method.rediscretised ? PETSC_TRUE : PETSC_FALSE));
  require(KSPSetType(ksp, KSPCG));
  require(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  require(KSPSetTolerances(ksp, 1e-8, 1e-300, PETSC_DEFAULT, 2000));
  Rediscretised hierarchy;
  double seconds = 0;
  double worst = 0;
  int iterations = 0;
  const std::size_t samples = data.info().samples;
  for (std::size_t s = 0; s < samples; ++s) {
    const Sample sample = data.read(s);
    const auto start = std::chrono::steady_clock::now();
    const Stencil stencil(make_problem("benchmark", sample.permeability));
    if (method.rediscretised) {
      hierarchy.levels = {stencil};
      while (hierarchy.levels.back().grid.nx > 4 && hierarchy.levels.back().grid.nx % 2 == 0 &&
             hierarchy.levels.back().grid.ny % 2 == 0)
        hierarchy.levels.push_back(coarsened(hierarchy.levels.back()));
      require(KSPSetComputeOperators(ksp, Rediscretised::compute, &hierarchy));
    } else {
      assemble(a, stencil);
      require(KSPSetOperators(ksp, a, a));
    }
    double* rhs = nullptr;
    require(VecGetArray(b, &rhs));
    std::copy(stencil.rhs.begin(), stencil.rhs.end(), rhs);
    require(VecRestoreArray(b, &rhs));
    if (s == 0) require(KSPSetFromOptions(ksp));
    require(KSPSolve(ksp, b, x));
    KSPConvergedReason reason{};
    PetscInt count = 0;
    require(KSPGetConvergedReason(ksp, &reason));
    require(KSPGetIterationNumber(ksp, &count));
    if (s > 0 || samples == 1)  // the first one makes the objects
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double* solution = nullptr;
    Field p(grid);
    require(VecGetArrayRead(x, &solution));
    std::copy(solution, solution + grid.cells(), p.values.begin());
    require(VecRestoreArrayRead(x, &solution));
    if (reason < 0) throw RunFailed(fmt::format("{} does not converge", method.name));
    worst = std::max(worst, relative_l2(p, sample.pressure));
    iterations = std::max<int>(iterations, count);
  }
  fmt::print("{{\"method\": \"{}\", \"seconds\": {}, \"iterations\": {}, \"error\": {}}}\n", method.name,
             seconds / std::max<double>(1, static_cast<double>(samples) - 1), iterations, worst);
  std::fflush(stdout);
  KSPDestroy(&ksp);
  MatDestroy(&a);
  VecDestroy(&x);
  VecDestroy(&b);
  DMDestroy(&da);
  for (const auto& option : method.options) require(PetscOptionsClearValue(nullptr, option.first));
}

int levels_of(int n) {
  int levels = 1;
  while (n % 2 == 0 && n > 4) {
    n /= 2;
    ++levels;
  }
  return levels;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "petsc_rivals DATA.h5 [PETSc options]\n");
    return 2;
  }
  const std::string path = argv[1];
  PetscInitialize(&argc, &argv, nullptr, nullptr);
  try {
    const DatasetReader data(path);
    const std::string levels =
        std::to_string(std::min(levels_of(data.info().grid.nx), levels_of(data.info().grid.ny)));
    if (argc > 2) {
      run({"options", std::strcmp(argv[2], "-rediscretised") == 0, {}}, data);
    } else {
      // The fastest of what was tried: steps of a smoother, smoothers, cycles, Galerkin against rediscretised coarse operators.
      run({"PETSc GAMG", false, {{"-pc_type", "gamg"}, {"-mg_levels_ksp_max_it", "2"}}}, data);
      run({"PETSc geometric multigrid",
           true,
           {{"-pc_type", "mg"},
            {"-pc_mg_levels", levels.c_str()},
            {"-mg_levels_ksp_type", "richardson"},
            {"-mg_levels_pc_type", "sor"},
            {"-mg_levels_ksp_max_it", "1"}}},
          data);
      run({"hypre BoomerAMG", false, {{"-pc_type", "hypre"}}}, data);
    }
  } catch (const Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return e.exit_status();
  }
  PetscFinalize();
  return 0;
}
