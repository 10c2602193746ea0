#include "apps/work_precision.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/clock.hpp"
#include "core/resample.hpp"
#include "solver/correction.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

namespace {

constexpr int kMostCycles = 6;

// Error and time of one way to a pressure, over all samples; the first is done once more before, since it warms up.
WorkPoint work_of(const std::string& label, const std::vector<SolvedSample>& samples,
                  const std::function<Field(const SolvedSample&)>& way) {
  std::vector<double> seconds, errors;
  way(samples.front());
  for (const SolvedSample& s : samples) {
    const double start = seconds_now();
    const Field pressure = way(s);
    seconds.push_back(seconds_now() - start);
    errors.push_back(relative_l2(pressure, s.solution));
  }
  return {label, summarize(seconds).median, summarize(errors).mean};
}

// How pressures go on to the boundary, where conditions are constant along each side.
Ends ends_of(const Problem& problem) {
  Ends ends;
  for (Side side : kSides) {
    const BoundaryCondition& c = problem.on(side);
    ends[static_cast<int>(side)] = c.type == BoundaryCondition::Type::pressure
                                       ? AxisEnd{AxisEnd::Kind::value, c.values.front()}
                                       : AxisEnd{AxisEnd::Kind::mirror, 0.0};
  }
  return ends;
}

}  // namespace

WorkCurve solver_curve(const std::vector<SolvedSample>& samples) {
  WorkCurve curve{"solver", {}};
  for (int digits = 1; digits <= 8; ++digits) {
    const double tolerance = std::pow(10.0, -digits);
    DarcySolver solver({.relative_tolerance = tolerance, .ranks = SolverOptions::Ranks::self});
    curve.points.push_back(work_of(fmt::format("tolerance {:g}", tolerance), samples, [&](const SolvedSample& s) {
      return solver.solve(s.problem).pressure;
    }));
  }
  return curve;
}

WorkCurve cycles_curve(const std::string& name, const std::vector<SolvedSample>& samples,
                       const std::function<Field(const SolvedSample&)>& start) {
  WorkCurve curve{name, {}};
  for (int cycles = 0; cycles <= kMostCycles; ++cycles) {
    const std::string label = fmt::format("{} cycle{}", cycles, cycles == 1 ? "" : "s");
    curve.points.push_back(work_of(label, samples, [&](const SolvedSample& s) {
      Field pressure = start(s);
      if (cycles == 0) return pressure;
      const Field e = Corrector(s.problem).correction(pressure, cycles);
      std::transform(e.values.begin(), e.values.end(), pressure.values.begin(), pressure.values.begin(), std::plus());
      return pressure;
    }));
  }
  return curve;
}

Field coarse_solution(const Problem& problem, const std::string& setup, const Resolution& coarse) {
  const Grid& grid = problem.grid();
  const Problem small = make_problem(setup, restrict_to(problem.permeability, coarse, Location::cell));
  const Field solution =
      solve_darcy(small, {.relative_tolerance = 1e-6, .ranks = SolverOptions::Ranks::self}).pressure;
  Field fine = interpolate_to(solution, {grid.nx, grid.ny}, Location::cell, ends_of(small));
  if (!problem.pressure_is_free()) return fine;
  double mean = 0.0;
  for (double p : fine.values) mean += p / static_cast<double>(fine.values.size());
  for (double& p : fine.values) p -= mean;
  return fine;
}

}  // namespace mano
