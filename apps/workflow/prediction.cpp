#include "apps/workflow/prediction.hpp"

#include <algorithm>
#include <limits>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/norms.hpp"
#include "datagen/dataset.hpp"
#include "solver/correction.hpp"

namespace mano {

namespace {

void work_on(const PredictionOptions& o, const Problem& problem, Prediction& p) {
  Corrector corrector(problem);
  const auto add_correction = [&](Field& field, int cycles, double sign) {
    const Field e = corrector.correction(p.pressure, cycles);
    for (std::size_t c = 0; c < e.values.size(); ++c) field.values[c] += sign * e.values[c];
  };
  if (o.correct > 0) add_correction(p.pressure, o.correct, 1.0);
  if (o.estimate) {
    p.error_estimate = Field(problem.grid());
    add_correction(*p.error_estimate, kEstimateCycles, -1.0);
    const Field solution = difference(p.pressure, *p.error_estimate);
    if (norm(corrector.stencil().rhs) > 0) p.estimated_relative_l2 = relative_l2(p.pressure, solution);
  }
  if (o.conservative) {
    const double start = seconds_now();
    const auto solved = Corrector(problem).solve_from(p.pressure, kConservative);
    p.conservative_flux = face_flux(problem, solved.pressure);
    p.conservative_cycles = solved.cycles;
    p.conservative_seconds = seconds_now() - start;
  }
}

}  // namespace

void check_equation(const PredictionOptions& options, const std::string& problem_name, Location location,
                    const std::string& where) {
  check(options.correct >= 0 && options.correct <= kMostCorrectionCycles,
        "correct is {}; it must lie in [0, {}] cycles", options.correct, kMostCorrectionCycles);
  if (!options.needs_equation()) return;
  check(is_named_problem(problem_name) && location == Location::cell,
        "{}: its problem is '{}' with values at the {}; --estimate, --correct and --conservative need one of "
        "the named problems, with values at cells, whose equation is known",
        where, problem_name, to_string(location));
}

void check_solved(const Sample& sample, const std::string& problem_name, Location location,
                  const std::string& where) {
  if (!is_named_problem(problem_name) || location != Location::cell || sample.pressure.values.empty()) return;
  constexpr double kSolved = 1e-3;  // single precision included
  Corrector corrector(make_problem(problem_name, sample.permeability, sample.active));
  const double off = norm(corrector.correction(sample.pressure, kEstimateCycles).values) /
                     std::max(norm(sample.pressure.values), 1e-300);
  check(
      off < kSolved,
      "{}: pressure of sample {} is off by {:.2g} of the solution: was it predicted? Solved data are needed",
      where, sample.number, off);
}

std::vector<Prediction> predict_samples(const Surrogate& surrogate, const std::vector<Sample>& samples,
                                        const std::string& problem_name, const PredictionOptions& options) {
  std::vector<Field> rocks;
  for (const Sample& s : samples) rocks.push_back(rock_of(s.permeability, s.active));
  std::vector<Field> pressures = surrogate.predict(rocks, options.method);
  std::vector<Prediction> predictions(pressures.size());
  for (std::size_t s = 0; s < pressures.size(); ++s) {
    Prediction& p = predictions[s];
    p.unlike_training = surrogate.card().unlike_training(rocks[s]);
    if (options.interval && options.correct == 0 && options.method == Method::multigrid)
      p.half_width = surrogate.interval_half_width(pressures[s], samples[s].active);
    if (p.half_width && p.unlike_training && !p.unlike_training->empty())
      p.half_width = std::numeric_limits<double>::quiet_NaN();
    p.pressure = std::move(pressures[s]);
    if (options.needs_equation())
      work_on(options, make_problem(problem_name, samples[s].permeability, samples[s].active), p);
  }
  return predictions;
}

}  // namespace mano
