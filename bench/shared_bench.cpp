// One sample on one rank and shared by all of them, by mano's multigrid and by hypre's BoomerAMG, side by side:
//
//   mpirun -n 2 shared_bench 64x64x64 [FIELD]
//
// Time on a clock, the least of several rounds; each rank needs a core of its own. Answers are compared first. One line of JSON a method.
#include <fmt/core.h>
#include <petscsys.h>

#include <algorithm>
#include <array>
#include <string>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/norms.hpp"
#include "datagen/random_field.hpp"
#include "solver/darcy_solver.hpp"

namespace {

using namespace mano;
constexpr double kTolerance = 1e-8;

struct Way {
  std::string name;
  SolverOptions options;
  double seconds = 1e9;
  double set_up = 1e9;
  int iterations = 0;
  Field pressure;
};

SolverOptions options_of(SolverOptions::Ranks ranks, std::optional<SolverMethod> method) {
  return {.relative_tolerance = kTolerance, .ranks = ranks, .method = method};
}

void solve(const PetscSession& session, DarcySolver& solver, const Problem& problem, Way& way) {
  const bool alone = way.options.ranks == SolverOptions::Ranks::self;
  session.barrier();
  const double start = seconds_now();
  if (!alone || session.rank() == 0) {
    SolveResult result = solver.solve(problem);
    if (!result.converged) throw RunFailed(way.name + ": " + result.reason);
    way.iterations = result.iterations;
    way.set_up = std::min(way.set_up, result.seconds_setup);
    way.pressure = std::move(result.pressure);
  }
  way.seconds = std::min(way.seconds, seconds_now() - start);
}

void compare(const PetscSession& session, const std::string& resolution, const std::string& field) {
  const Resolution r = parse_volume_resolution(resolution);
  Grid grid{r.nx, r.ny};
  grid.nz = r.nz;
  FieldSpec spec;
  spec.kind = field;
  const Problem problem = make_problem("benchmark", draw_field(spec, 1, 0, grid));
  using Ranks = SolverOptions::Ranks;
  std::array<Way, 4> ways{Way{"mano, one rank", options_of(Ranks::self, {})},
                          Way{"mano, all ranks", options_of(Ranks::all, {})},
                          Way{"hypre, one rank", options_of(Ranks::self, SolverMethod::boomeramg)},
                          Way{"hypre, all ranks", options_of(Ranks::all, SolverMethod::boomeramg)}};
  std::array<DarcySolver, 4> solvers{DarcySolver(ways[0].options), DarcySolver(ways[1].options),
                                     DarcySolver(ways[2].options), DarcySolver(ways[3].options)};
  for (int round = 0; round < 9; ++round) {
    for (std::size_t w = 0; w < ways.size(); ++w) {
      if (w < 2 || round < 3) solve(session, solvers[w], problem, ways[w]);
    }
  }
  if (session.rank() != 0) return;
  for (const Way& way : ways) {
    fmt::print(
        "{{\"method\": \"{}\", \"ranks\": {}, \"resolution\": \"{}\", \"field\": \"{}\", \"seconds\": "
        "{:.5g}, "
        "\"set_up_seconds\": {:.5g}, \"iterations\": {}, \"difference\": {:.2g}}}\n",
        way.name, session.ranks(), resolution, field, way.seconds, way.set_up, way.iterations,
        relative_l2(way.pressure, ways[0].pressure));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "mpirun -n RANKS shared_bench NX[xNY[xNZ]] [FIELD]\n");
    return 2;
  }
  try {
    const PetscSession session({});
    compare(session, argv[1], argc > 2 ? argv[2] : "two-phase");
  } catch (const Error& e) {
    fmt::print(stderr, "shared_bench: {}\n", e.what());
    return 1;
  }
  return 0;
}
