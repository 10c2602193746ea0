// The solver on rock as hard as it comes: no draw over all fields, contrasts of 1 to 1e9, shapes and problems may fail.
// MANO_DRAWS sets another number, and tells of the unusual ones. Every twentieth is compared with a factorisation.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "datagen/counter_random.hpp"
#include "datagen/random_field.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/problems.hpp"
#include "solver/stencil.hpp"

namespace mano {
namespace {

struct Draw {
  std::string kind, problem_name;
  double contrast;
  Grid grid;
  Field permeability;

  std::string text() const {
    return fmt::format("{} {} contrast {:.2g} at {} on {:g}x{:g}", kind, problem_name, contrast,
                       grid.resolution(), grid.lx, grid.ly);
  }
};

// Cells that know nothing of each other, k log-uniform.
Field noise(const CounterRandom& random, const Grid& grid, double contrast) {
  Field k(grid);
  for (std::size_t c = 0; c < k.values.size(); ++c)
    k.values[c] = std::pow(contrast, random.uniform(static_cast<std::int64_t>(c), 1));
  return k;
}

Draw draw(std::uint64_t number) {
  const CounterRandom random(42, 100, number);
  const auto pick = [&](int what, int count) {
    return std::min(count - 1, static_cast<int>(count * random.uniform(-1, what)));
  };
  Draw d;
  d.kind = std::vector<std::string>{"two-phase", "lognormal", "layered", "channels", "noise"}[pick(0, 5)];
  d.problem_name = std::vector<std::string>{"benchmark", "drive", "five-spot"}[pick(1, 3)];
  d.contrast = std::pow(10.0, 9 * random.uniform(-1, 2));
  const double aspect = std::pow(10.0, 2 * random.uniform(-1, 3) - 1);
  d.grid = {1 + pick(4, 300), 1 + pick(5, 200), aspect, 1.0};
  FieldSpec spec;
  spec.kind = d.kind;
  spec.low = 1.0;
  spec.high = d.contrast;
  // Six standard deviations span the contrast.
  spec.deviation = std::log(d.contrast) / 6;
  spec.correlation_length_x = 0.1 * aspect;
  spec.contrast = pick(6, 2) == 0 ? d.contrast : 1 / d.contrast;
  d.permeability =
      d.kind == "noise" ? noise(random, d.grid, d.contrast) : draw_field(spec, 42, number, d.grid);
  return d;
}

TEST(HardRock, NoRandomDrawFails) {
  const char* asked = std::getenv("MANO_DRAWS");
  const std::uint64_t draws = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 1000;
  DarcySolver solver({.relative_tolerance = 1e-8, .ranks = SolverOptions::Ranks::self});
  DarcySolver factorisation(
      {.relative_tolerance = 1e-8, .ranks = SolverOptions::Ranks::self, .method = SolverMethod::mumps});
  std::map<std::string, int> methods;
  double worst = 0.0;
  int most = 0;
  for (std::uint64_t number = 0; number < draws; ++number) {
    const Draw d = draw(number);
    const Problem problem = make_problem(d.problem_name, d.permeability);
    const SolveResult result = solver.solve(problem);
    ++methods[to_string(result.method)];
    EXPECT_TRUE(result.converged) << "draw " << number << ": " << d.text() << ": " << to_string(result.method)
                                  << " " << result.reason << " " << result.relative_residual;
    EXPECT_EQ(maximum_principle_violation(problem, result.pressure), "")
        << "draw " << number << ": " << d.text();
    if (number % 20 == 0 && result.method != SolverMethod::none) {
      const SolveResult direct = factorisation.solve(problem);
      // What double precision leaves of the balance of a permeable region that hardly anything flows into.
      const double rounding = 1e-13 * d.contrast;
      EXPECT_LT(relative_l2(result.pressure, direct.pressure), 1e-6 + rounding)
          << "draw " << number << ": " << d.text();
    }
    const bool unusual = asked != nullptr && (result.method > SolverMethod::multigrid_double ||
                                              result.iterations > 40 || result.relative_residual > 1e-8);
    if (unusual)
      fmt::print("draw {}: {}: {} after {} iterations, residual {:.2g}\n", number, d.text(),
                 to_string(result.method), result.iterations, result.relative_residual);
    worst = std::max(worst, result.relative_residual);
    most = std::max(most, result.iterations);
  }
  for (const auto& [method, count] : methods) fmt::print("{}: {} draws\n", method, count);
  fmt::print("at most {} iterations, relative residual at most {:.2g}\n", most, worst);
}

// By name: each converges to 1e-8, and four times the cells in each direction cost at most 3 iterations more.
struct Named {
  const char* name;
  FieldSpec spec;
  const char* problem_name;
  double aspect;
};

FieldSpec spec_of(const char* kind) {
  FieldSpec s;
  s.kind = kind;
  return s;
}

std::vector<Named> named_fields() {
  FieldSpec rough = spec_of("lognormal");
  rough.deviation = 3;
  FieldSpec channels = spec_of("channels");
  channels.contrast = 1e6;
  return {{"two-phase", spec_of("two-phase"), "benchmark", 1},
          {"two-phase, drive", spec_of("two-phase"), "drive", 1},
          {"two-phase, five-spot", spec_of("two-phase"), "five-spot", 1},
          {"two-phase, thin cells", spec_of("two-phase"), "benchmark", 100},
          {"lognormal", spec_of("lognormal"), "benchmark", 1},
          {"lognormal, deviation 3", rough, "benchmark", 1},
          {"layered", spec_of("layered"), "drive", 1},
          {"channels", spec_of("channels"), "drive", 1},
          {"channels, contrast 1e6", channels, "drive", 1}};
}

TEST(HardRock, IterationsDoNotGrowWithTheGrid) {
  DarcySolver solver({.relative_tolerance = 1e-8, .ranks = SolverOptions::Ranks::self});
  for (const Named& n : named_fields()) {
    std::array<int, 2> iterations{};
    for (int which = 0; which < 2; ++which) {
      const int cells = which == 0 ? 256 : 1024;
      const Field k = draw_field(n.spec, 7, 0, {cells, cells, n.aspect, 1.0});
      const SolveResult result = solver.solve(make_problem(n.problem_name, k));
      ASSERT_TRUE(result.converged) << n.name << " " << cells << " " << result.reason;
      EXPECT_LE(result.relative_residual, 1e-8) << n.name;
      EXPECT_LE(result.method, SolverMethod::multigrid_double) << n.name;
      iterations[which] = result.iterations;
    }
    EXPECT_LE(std::abs(iterations[1] - iterations[0]), 3) << n.name << " " << iterations[0];
    fmt::print("{}: {} iterations at 256x256, {} at 1024x1024\n", n.name, iterations[0], iterations[1]);
  }
}

}  // namespace
}  // namespace mano
