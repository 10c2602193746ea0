// Solvers of one problem in three dimensions side by side, on one core: mano, hypre's BoomerAMG, PETSc's GAMG and geometric multigrid. Each
// solves the benchmark problem to a true relative residual of 1e-8, and its answer is compared before its time is printed: with a
// factorisation by MUMPS up to 40,000 cells, beyond with a solve by mano to 1e-11. Prints one line of JSON a method.
//
//   volume_bench NXxNYxNZ ROCK ASPECT [PERMEABILITY]
//
// ROCK: uniform, two-phase, lognormal-1, lognormal-3, layers, or a file of permeability, with that along z behind it ([nz, ny, nx], doubles).
// ASPECT: width over height of a cell; beyond 1 permeability along z is a tenth.
// PERMEABILITY: such a file to write it to, for rivals elsewhere.
#include <fmt/core.h>
#include <petscksp.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <numbers>
#include <numeric>
#include <random>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "solver/conjugate_gradients.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/krylov_kernels.hpp"

namespace {

using namespace mano;
constexpr double kTolerance = 1e-8;

// Processor time: the same as time on a clock on a machine that does nothing else, and right on one that does.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
double since(double start) {
  return processor_seconds() - start;
}

void require(PetscErrorCode code) {
  if (code != 0) throw RunFailed(fmt::format("PETSc error {}", static_cast<int>(code)));
}

// --- the problem ---------------------------------------------------------------------------------------------------------

// Smooth, of mean 0 and variance 1: cosines of random direction and phase, a tenth of the domain long.
Field noise(const Grid& grid) {
  constexpr int kModes = 64;
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(0.0, 10.0);
  std::uniform_real_distribution<double> phase(0.0, 2 * std::numbers::pi);
  Field field(grid);
  std::vector<double> c(grid.nx);
  std::vector<double> s(grid.nx);
  for (int mode = 0; mode < kModes; ++mode) {
    const double kx = normal(random) / grid.nx, ky = normal(random) / grid.ny, kz = normal(random) / grid.nz;
    const double p = phase(random);
    for (int i = 0; i < grid.nx; ++i) c[i] = std::cos(kx * i), s[i] = std::sin(kx * i);
    for (int k = 0; k < grid.nz; ++k) {
      for (int j = 0; j < grid.ny; ++j) {
        const double cosine = std::cos(ky * j + kz * k + p), sine = std::sin(ky * j + kz * k + p);
        for (int i = 0; i < grid.nx; ++i)
          field(i, j, k) += std::sqrt(2.0 / kModes) * (c[i] * cosine - s[i] * sine);
      }
    }
  }
  return field;
}

Field rock(const std::string& kind, const Grid& grid) {
  Field k = noise(grid);
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> uniform(0.0, 6.0);
  for (int layer = 0; layer < grid.nz; ++layer) {
    const double level = std::pow(10.0, uniform(random));
    for (std::size_t c = grid.index(0, 0, layer); c < grid.index(0, 0, layer + 1); ++c) {
      double& value = k.values[c];
      if (kind == "uniform") value = 1.0;
      if (kind == "two-phase") value = value > 0 ? 12.0 : 3.0;
      if (kind == "lognormal-1") value = std::exp(value);
      if (kind == "lognormal-3") value = std::exp(3 * value);
      if (kind == "layers") value = level * std::exp(0.5 * value);
    }
  }
  return k;
}

Problem read_problem(const std::string& path, const Grid& grid) {
  std::ifstream file(path, std::ios::binary);
  Field along_x(grid), along_z(grid);
  for (Field* field : {&along_x, &along_z})
    file.read(reinterpret_cast<char*>(field->values.data()),
              static_cast<std::streamsize>(field->values.size() * sizeof(double)));
  if (!file)
    throw InvalidInput(
        fmt::format("{}: neither a kind of rock nor a file of 2 x {} doubles", path, grid.cells()));
  Problem problem = make_problem("benchmark", std::move(along_x));
  problem.permeability_z = std::move(along_z);
  return problem;
}

Problem problem_of(const std::string& kind, int nx, int ny, int nz, double aspect) {
  Grid grid{nx, ny, 1.0, static_cast<double>(ny) / nx};
  grid.nz = nz;
  grid.lz = static_cast<double>(nz) / nx / aspect;
  constexpr const char* kKinds[] = {"uniform", "two-phase", "lognormal-1", "lognormal-3", "layers"};
  if (std::find(std::begin(kKinds), std::end(kKinds), kind) == std::end(kKinds))
    return read_problem(kind, grid);
  Problem problem = make_problem("benchmark", rock(kind, grid));
  if (aspect > 1) {
    problem.permeability_z = problem.permeability;
    for (double& k : problem.permeability_z.values) k /= 10;
  }
  return problem;
}

// --- rivals --------------------------------------------------------------------------------------------------------------

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

enum class Levels { none, full, semi };

struct Method {
  std::string name;
  Levels levels = Levels::none;
  bool galerkin = false;
  std::vector<std::pair<const char*, const char*>> options;
};

struct Outcome {
  double seconds =
      0.0;  // stencil, assembly, set-up and iterations; objects and non-zero patterns are there already
  int iterations = 0;
  Field pressure;
};

class PetscRival {
 public:
  PetscRival(const Method& method, const Problem& problem) : method_(method), problem_(problem) {
    for (const auto& [name, value] : method.options) require(PetscOptionsSetValue(nullptr, name, value));
    const Stencil stencil(problem);
    matrices_ = {new_matrix(stencil.grid)};
    require(MatCreateVecs(matrices_[0], &x_, &b_));
    require(KSPCreate(PETSC_COMM_SELF, &ksp_));
    require(KSPSetType(ksp_, KSPCG));
    require(KSPSetNormType(ksp_, KSP_NORM_UNPRECONDITIONED));
    require(KSPSetTolerances(ksp_, kTolerance, 1e-300, PETSC_DEFAULT, 500));
    if (method.levels != Levels::none) add_levels(stencil);
    require(KSPSetFromOptions(ksp_));
  }
  ~PetscRival() {
    KSPDestroy(&ksp_);
    for (Mat& a : matrices_) MatDestroy(&a);
    VecDestroy(&x_);
    VecDestroy(&b_);
    for (const auto& option : method_.options) PetscOptionsClearValue(nullptr, option.first);
  }

  Outcome solve() {
    const double start = processor_seconds();
    const Stencil stencil(problem_);
    assemble(matrices_[0], stencil);
    require(KSPSetOperators(ksp_, matrices_[0], matrices_[0]));
    if (method_.levels != Levels::none && !method_.galerkin) refresh_levels(stencil);
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

 private:
  void add_levels(const Stencil& stencil) {
    const std::vector<Stencil> levels = levels_of(stencil, method_.levels == Levels::semi);
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

  void refresh_levels(const Stencil& stencil) {
    const std::vector<Stencil> levels = levels_of(stencil, method_.levels == Levels::semi);
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

  Method method_;
  const Problem& problem_;
  std::vector<Mat> matrices_;
  Vec x_ = nullptr;
  Vec b_ = nullptr;
  KSP ksp_ = nullptr;
};

// The variants of each rival; the fastest counts.
std::vector<Method> rivals() {
  const auto hypre = [](const char* name, std::vector<std::pair<const char*, const char*>> more) {
    more.insert(more.begin(), {"-pc_type", "hypre"});
    return Method{name, Levels::none, false, more};
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
      {"PETSc GAMG", Levels::none, false, {{"-pc_type", "gamg"}, {"-mg_levels_ksp_max_it", "2"}}},
      {"PETSc geometric multigrid, SOR", Levels::full, false, sor},
      {"PETSc geometric multigrid, semi-coarsening, SOR", Levels::semi, false, sor},
      {"PETSc geometric multigrid, semi-coarsening, ICC", Levels::semi, false, icc},
      {"PETSc geometric multigrid, Galerkin, SOR", Levels::full, true, sor},
  };
}

// --- mano ----------------------------------------------------------------------------------------------------------------

Field truth_of(const Problem& problem) {
  const bool small = problem.grid().cells() <= 40000;
  SolverOptions options{.relative_tolerance = 1e-11, .ranks = SolverOptions::Ranks::self};
  if (small) options.method = SolverMethod::mumps;
  const SolveResult result = solve_darcy(problem, options);
  check(result.converged, "no reference solution: {}", result.reason);
  return result.pressure;
}

// Bytes a second of a copy much larger than the caches, read and written.
double copy_bandwidth() {
  const std::size_t n = std::size_t{32} << 20;
  std::vector<double> from(n, 1.0);
  std::vector<double> to(n);
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const double start = processor_seconds();
    std::memcpy(to.data(), from.data(), n * sizeof(double));
    best = std::min(best, since(start));
    from[round] = to[n - 1];
  }
  return 2.0 * static_cast<double>(n) * sizeof(double) / best;
}

void print_parts(const Problem& problem) {
  const Stencil stencil(problem);
  const double cells = static_cast<double>(stencil.grid.cells());
  const auto precision = Multigrid::precision_for(problem.permeability_range());
  ConjugateGradients method;
  Multigrid multigrid;
  double assembly = 1e9, set_up = 1e9, iterate = 1e9, cycle = 1e9;
  int iterations = 0;
  for (int round = 0; round < 3; ++round) {
    double start = processor_seconds();
    const Stencil again(problem);
    assembly = std::min(assembly, since(start));
    start = processor_seconds();
    method.take(stencil, precision);
    set_up = std::min(set_up, since(start));
    std::vector<double> p(stencil.grid.cells());
    start = processor_seconds();
    iterations = method.solve(p, true, kTolerance, 100).iterations;
    iterate = std::min(iterate, since(start));
    multigrid.set_up(stencil, precision);
    multigrid.apply(stencil.rhs.data(), p.data());
    start = processor_seconds();
    multigrid.cycle();
    cycle = std::min(cycle, since(start));
  }
  fmt::print(
      "{{\"parts\": true, \"stencil_ns_a_cell\": {:.2f}, \"set_up_ns_a_cell\": {:.2f}, "
      "\"iteration_ns_a_cell\": {:.2f}, "
      "\"cycle_ns_a_cell\": {:.2f}, \"iterations\": {}, \"copy_bytes_a_second\": {:.4g}}}\n",
      1e9 * assembly / cells, 1e9 * set_up / cells, 1e9 * iterate / cells / (iterations + 1),
      1e9 * cycle / cells, iterations, copy_bandwidth());
}

double mean(const Field& p) {
  return std::accumulate(p.values.begin(), p.values.end(), 0.0) / static_cast<double>(p.values.size());
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Minimum over rounds, as long as they are short.
template <typename Solve>
void measure(const std::string& name, const Field& truth, const Solve& solve) {
  Outcome best;
  double spent = 0;
  for (int round = 0; round < 5 && (round < 2 || spent < 3.0); ++round) {
    Outcome outcome = solve();
    spent += outcome.seconds;
    if (round == 0 || outcome.seconds < best.seconds) best = std::move(outcome);
    if (best.iterations < 0) break;
  }
  const double error = relative_l2(best.pressure, truth);
  const bool right = best.iterations >= 0 && error < 1e-6;
  fmt::print(
      "{{\"method\": \"{}\", \"seconds\": {:.5g}, \"iterations\": {}, \"error\": {:.2g}, \"right\": {}, "
      "\"mean\": {}, \"peak_mb\": {:.0f}}}\n",
      name, best.seconds, best.iterations, error, right, mean(best.pressure), peak_megabytes());
  std::fflush(stdout);
}

void compare(const Problem& problem) {
  DarcySolver solver({.relative_tolerance = kTolerance, .ranks = SolverOptions::Ranks::self});
  const auto mano_solve = [&] {
    const double start = processor_seconds();
    SolveResult result = solver.solve(problem);
    return Outcome{
        since(start),
        result.converged && result.method <= SolverMethod::multigrid_double ? result.iterations : -1,
        std::move(result.pressure)};
  };
  mano_solve();  // nothing else has been solved yet: the peak of memory is mano's
  fmt::print("{{\"peak_mb_of_mano\": {:.0f}}}\n", peak_megabytes());
  print_parts(problem);
  const Field truth = truth_of(problem);
  measure("mano", truth, mano_solve);
  for (const Method& method : rivals()) {
    try {
      PetscRival rival(method, problem);
      measure(method.name, truth, [&] { return rival.solve(); });
    } catch (const RunFailed& e) {
      fmt::print("{{\"method\": \"{}\", \"failed\": \"{}\"}}\n", method.name, e.what());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "volume_bench NXxNYxNZ ROCK ASPECT [PERMEABILITY]\n");
    return 2;
  }
  try {
    const PetscSession session({});
    const Resolution r = parse_volume_resolution(argv[1]);
    const Problem problem = problem_of(argv[2], r.nx, r.ny, r.nz, std::stod(argv[3]));
    if (argc > 4) {
      std::ofstream file(argv[4], std::ios::binary);
      for (const Field* field : {&problem.permeability, &problem.along_z()})
        file.write(reinterpret_cast<const char*>(field->values.data()),
                   static_cast<std::streamsize>(field->values.size() * sizeof(double)));
    }
    compare(problem);
  } catch (const Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return e.exit_status();
  }
  return 0;
}
