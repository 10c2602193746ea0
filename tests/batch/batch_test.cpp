// The batched solver as a GPU runs it, every block and thread, run on the CPU: against the CPU's own solver and fields.
#include <gtest/gtest.h>

#include <cmath>

#include "batch/sample_maker.hpp"
#include "batch/solve.hpp"
#include "batch/two_phase.hpp"
#include "core/error.hpp"
#include "solver/correction.hpp"
#include "solver/stencil.hpp"

namespace mano {
namespace {

using namespace batch;

template <typename S>
struct Solved {
  Field pressure;
  Outcome outcome;
};

template <typename S>
Solved<S> solved(const Field& k, const std::string& problem_name, double tolerance, int threads = 96,
                 bool backwards = false) {
  const Plan plan = make_plan(k.grid, problem_name);
  // What a sample leaves behind must not reach the next one.
  std::vector<double> fast(plan.fast_doubles, NAN), slow(plan.slow_doubles, NAN);
  std::vector<S> floats(plan.fast_floats, NAN);
  HostTeam team(threads, backwards);
  Solved<S> s{Field(k.grid, NAN), {}};
  s.outcome = solve<S>(team, plan, k.values.data(), {fast.data(), floats.data(), slow.data()}, tolerance,
                       s.pressure.values.data());
  return s;
}

double relative_difference(const Field& a, const Field& b) {
  double difference = 0, size = 0;
  for (std::size_t c = 0; c < a.values.size(); ++c) {
    difference += std::pow(a.values[c] - b.values[c], 2);
    size += std::pow(b.values[c], 2);
  }
  return std::sqrt(difference / size);
}

FieldSpec spec(const std::string& kind) {
  FieldSpec s;
  s.kind = kind;
  s.deviation = 2.0;
  s.contrast = 1e6;
  return s;
}

const Grid kGrids[] = {{16, 16}, {32, 32}, {33, 20},  {64, 64},           {1, 7},
                       {5, 1},   {1, 1},   {100, 37}, {24, 24, 3.0, 1.0}, {128, 16}};

TEST(Batch, EqualsTheCpusSolver) {
  for (const Grid& grid : kGrids) {
    for (const char* kind : {"two-phase", "lognormal", "channels", "layered"}) {
      for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
        if (grid.cells() == 1 && std::string(problem_name) == "five-spot") continue;  // nothing flows
        const Field k = draw_field(spec(kind), 3, 5, grid);
        const Problem problem = make_problem(problem_name, k);
        const Field expected = Corrector(problem).solve_from(Field(grid), 1e-13).pressure;
        const std::string what = std::string(kind) + " " + problem_name + " " + grid.resolution();
        const auto in_double = solved<double>(k, problem_name, 1e-13);
        const auto mixed = solved<float>(k, problem_name, 1e-11);
        // A contrast of a million leaves the pressure of the better rock to the residual's last digits.
        const double tolerance = std::string(kind) == "channels" ? 1e-6 : 1e-10;
        EXPECT_LT(relative_difference(in_double.pressure, expected), tolerance) << what;
        EXPECT_LT(relative_difference(mixed.pressure, expected), 100 * tolerance) << what;
        EXPECT_NEAR(mixed.outcome.relative_residual, relative_residual(Stencil(problem), mixed.pressure),
                    1e-12 + mixed.outcome.attainable)
            << what;
        EXPECT_LE(mixed.outcome.relative_residual, std::max(1e-11, mixed.outcome.attainable)) << what;
      }
    }
  }
}

TEST(Batch, TakesAsManyIterationsAsTheCpusMultigrid) {
  for (const char* kind : {"two-phase", "lognormal", "channels"}) {
    const Field k = draw_field(spec(kind), 1, 0, {64, 64});
    const int cpu = Corrector(make_problem("benchmark", k)).solve_from(Field(k.grid), 1e-10).cycles;
    EXPECT_LE(solved<float>(k, "benchmark", 1e-10).outcome.iterations, cpu + 1) << kind;
  }
}

// Items that depended on one another, or a sum whose order depended on the threads, would show.
TEST(Batch, TheOrderOfThreadsDoesNotMatter) {
  for (const Grid& grid : {Grid{33, 20}, Grid{64, 64}}) {
    const Field k = draw_field(spec("two-phase"), 1, 2, grid);
    const auto one = solved<float>(k, "drive", 1e-10, 128, false);
    const auto other = solved<float>(k, "drive", 1e-10, 128, true);
    EXPECT_EQ(one.pressure.values, other.pressure.values);
    EXPECT_EQ(one.outcome.iterations, other.outcome.iterations);
    EXPECT_LT(relative_difference(solved<float>(k, "drive", 1e-10, 512).pressure, one.pressure), 1e-9);
  }
}

TEST(Batch, WhatOverflowsIsToldByItsResidual) {
  Field k(Grid{16, 16}, 1.0);
  k(3, 4) = 1e308;
  k(9, 9) = 1e-308;
  const auto s = solved<float>(k, "benchmark", 1e-10);
  EXPECT_FALSE(s.outcome.relative_residual <= std::max(1e-10, s.outcome.attainable));
}

TEST(Batch, DrawsTheFieldsOfDrawField) {
  for (const Grid& grid : {Grid{16, 16}, Grid{64, 64}, Grid{33, 20, 2.0, 1.0}, Grid{150, 130}, Grid{1, 7}}) {
    const Plan plan = make_plan(grid, "benchmark");
    std::vector<double> x(grid.nx * grid.nx), y(grid.ny * grid.ny), spectrum(grid.cells()),
        half_way(grid.cells());
    cosine_table(grid.nx, x.data());
    cosine_table(grid.ny, y.data());
    for (const std::uint64_t sample : {0, 1, 12345}) {
      HostTeam team(64);
      Field k(grid);
      for (const double length : {FieldSpec{}.phase_length, 0.1}) {
        draw_two_phase(team, plan, {3.0, 12.0, 1 / length, grid.lx, grid.ly, 42}, sample, x.data(), y.data(),
                       spectrum.data(), half_way.data(), k.values.data());
        EXPECT_EQ(k.values, draw_field({.phase_length = length}, 42, sample, grid).values)
            << grid.resolution() << " " << length;
      }
    }
  }
}

TEST(Batch, ThreadsMakeWhatOneMakes) {
  const BatchRequest request{spec("lognormal"), 7, {20, 16}, "drive", 1e-10};
  const auto made = [&](int threads) {
    std::vector<double> k(20 * 16 * 40), p(k.size());
    const auto samples = samples_by_threads(request, threads)->make(11, 40, k.data(), p.data());
    for (const auto& s : samples) EXPECT_LE(s.relative_residual, 1e-10);
    return std::pair(k, p);
  };
  const auto one = made(1);
  EXPECT_EQ(one, made(3));
  const Field third = draw_field(request.field, 7, 14, request.grid);
  EXPECT_TRUE(std::equal(third.values.begin(), third.values.end(), one.first.begin() + 3 * 320));
}

TEST(Batch, RefusesWhatItCannotTake) {
  EXPECT_THROW(make_plan({256, 256}, "benchmark"), InvalidInput);
  EXPECT_THROW(make_plan({16, 16}, "closed"), InvalidInput);
  EXPECT_THROW(samples_by_threads({spec("nothing"), 0, {8, 8}}, 1), InvalidInput);
}

}  // namespace
}  // namespace mano
