// Time of one verified sample of the benchmark problem by resolution: field, solve, checks. The answer is
// checked before a time is printed. One core.
#include <fmt/core.h>

#include <chrono>

#include "apps/samples/verified_solve.hpp"
#include "datagen/random_field.hpp"
#include "solver/darcy_solver.hpp"

int main() {
  using namespace mano;
  using Clock = std::chrono::steady_clock;
  const PetscSession session({});
  DarcySolver solver({.relative_tolerance = 1e-8, .ranks = SolverOptions::Ranks::self});
  const auto milliseconds = [](Clock::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
  };
  fmt::print("resolution  field ms  solve ms  iterations  ns a cell\n");
  for (int n : {32, 64, 128, 256, 512}) {
    double field_time = 0;
    double solve_time = 0;
    int iterations = 0;
    const int samples = 5;
    for (int s = 0; s <= samples; ++s) {  // sample 0 warms up
      const auto start = Clock::now();
      const Field k = draw_field({}, 1, s, Grid{n, n});
      const auto drawn = Clock::now();
      const VerifiedSolution solution = verified_solve(solver, make_problem("benchmark", k));
      if (!solution.rejection.empty()) {
        fmt::print(stderr, "sample {}: {}\n", s, solution.rejection);
        return 1;
      }
      if (s == 0) continue;
      field_time += milliseconds(drawn - start) / samples;
      solve_time += milliseconds(Clock::now() - drawn) / samples;
      iterations = std::max(iterations, solution.iterations);
    }
    fmt::print("{:<11} {:<9.3g} {:<9.3g} {:<11} {:.3g}\n", fmt::format("{0}x{0}", n), field_time, solve_time,
               iterations, 1e6 * solve_time / (n * n));
  }
  return 0;
}
