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
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
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
#include "volume_rivals.hpp"

namespace {

using namespace mano;

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
