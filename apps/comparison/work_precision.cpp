#include "apps/comparison/work_precision.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/clock.hpp"
#include "core/norms.hpp"
#include "core/resample.hpp"
#include "solver/correction.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

namespace {

constexpr int kCycles = 6;

// How pressures go on to the boundary, where conditions are constant along each side.
Ends ends_of(const Problem& problem) {
  Ends ends;
  for (Side side : sides_of(problem.grid())) {
    const BoundaryCondition& c = problem.on(side);
    ends[static_cast<int>(side)] = c.type == BoundaryCondition::Type::pressure
                                       ? AxisEnd{AxisEnd::Kind::value, c.values.front()}
                                       : AxisEnd{AxisEnd::Kind::mirror, 0.0};
  }
  return ends;
}

}  // namespace

WorkPoint work_of(const std::string& label, const std::vector<SolvedSample>& samples,
                  const std::function<Field(const SolvedSample&)>& way) {
  std::vector<double> errors;
  for (const SolvedSample& s : samples) errors.push_back(relative_l2(way(s), s.solution));
  return {label, median_seconds(samples, way), summarize(errors).mean};
}

double median_seconds(const std::vector<SolvedSample>& samples,
                      const std::function<void(const SolvedSample&)>& way) {
  std::vector<double> seconds;
  way(samples.front());
  for (const SolvedSample& s : samples) {
    const double start = seconds_now();
    way(s);
    seconds.push_back(seconds_now() - start);
  }
  return summarize(seconds).median;
}

WorkCurve solver_curve(const std::vector<SolvedSample>& samples, double truth) {
  WorkCurve curve{"solver", {}};
  std::vector<double> tolerances;
  for (int digits = 1; digits <= 8; ++digits) tolerances.push_back(std::pow(10.0, -digits));
  tolerances.push_back(truth);
  for (const double tolerance : tolerances) {
    DarcySolver solver({.relative_tolerance = tolerance, .ranks = SolverOptions::Ranks::self});
    curve.points.push_back(work_of(fmt::format("tolerance {:g}", tolerance), samples,
                                   [&](const SolvedSample& s) { return solver.solve(s.problem).pressure; }));
  }
  return curve;
}

WorkCurve cycles_curve(const std::string& name, const std::vector<SolvedSample>& samples,
                       const std::function<Field(const SolvedSample&)>& start) {
  // The start is the same for any number of cycles: made and timed once.
  std::vector<Field> starts;
  for (const SolvedSample& s : samples) starts.push_back(start(s));
  const double seconds = median_seconds(samples, start);
  WorkCurve curve{name, {}};
  Corrector corrector(samples.front().problem);
  for (int cycles = 0; cycles <= kCycles; ++cycles) {
    WorkPoint point = work_of(fmt::format("{} cycle{}", cycles, cycles == 1 ? "" : "s"), samples,
                              [&](const SolvedSample& s) {
                                Field pressure = starts[static_cast<std::size_t>(&s - samples.data())];
                                if (cycles == 0) return pressure;
                                corrector.take(s.problem);
                                const Field e = corrector.correction(pressure, cycles);
                                std::transform(e.values.begin(), e.values.end(), pressure.values.begin(),
                                               pressure.values.begin(), std::plus());
                                return pressure;
                              });
    point.seconds = seconds + (cycles == 0 ? 0.0 : point.seconds);
    curve.points.push_back(point);
  }
  return curve;
}

Field coarse_solution(const Problem& problem, const std::string& problem_name, const Resolution& coarse) {
  const Grid& grid = problem.grid();
  const Field rock = restrict_to(rock_of(problem.permeability, problem.active), coarse, Location::cell);
  const Problem small = make_problem(problem_name, rock, mask_of_rock(rock));
  const Field solution =
      solve_darcy(small, {.relative_tolerance = 1e-6, .ranks = SolverOptions::Ranks::self}).pressure;
  Field fine = interpolate_to(solution, small.active, {grid.nx, grid.ny}, ends_of(small));
  fine = with_inactive(std::move(fine), problem.active, 0.0);
  if (problem.pressure_is_free()) subtract_mean(fine.values, problem.active);
  return fine;
}

}  // namespace mano
