#include "apps/comparison.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/version.hpp"

namespace mano {

const std::vector<Measure>& measures() {
  static const std::vector<Measure> kMeasures{
      {"relative_l2", "relative L2", "pressure error in the 2-norm over the solution's",
       &ComparedSample::relative_l2},
      {"relative_h1", "relative H1", "the same with gradients", &ComparedSample::relative_h1},
      {"largest_error", "largest", "largest error over the largest pressure", &ComparedSample::largest_error},
      {"interpolated_relative_l2", "interpolated",
       "relative L2 of the prediction at the training resolution, interpolated: the line to beat",
       &ComparedSample::interpolated_l2},
      {"flux_error", "flux", "relative L2 of the fluxes through all faces", &ComparedSample::flux_error},
      {"outflow_error", "outflow",
       "error of the flow through sides and wells, over the flow through the domain",
       &ComparedSample::outflow_error},
      {"mass_defect", "mass defect", "flow that cells create or destroy, over the flow through the domain",
       &ComparedSample::mass_defect},
      {"discretisation_relative_l2", "grid itself",
       "relative L2 of the solver on this grid against the finer reference",
       &ComparedSample::discretisation_l2},
      {"reference_relative_l2", "against reference",
       "relative L2 of the surrogate against the finer reference", &ComparedSample::reference_l2}};
  return kMeasures;
}

std::optional<ErrorSummary> ComparedResolution::summary(std::optional<double> ComparedSample::*member) const {
  std::vector<double> values;
  for (const auto& s : samples) {
    if (s.*member) values.push_back(*(s.*member));
  }
  if (values.empty()) return std::nullopt;
  return summarize(values);
}

double ComparedResolution::mean(std::optional<double> ComparedSample::*member) const {
  const auto s = summary(member);
  return s ? s->mean : std::numeric_limits<double>::quiet_NaN();
}

std::optional<double> ComparedResolution::effective_part() const {
  if (!summary(&ComparedSample::effectivity)) return std::nullopt;
  const auto good = std::count_if(samples.begin(), samples.end(), [](const ComparedSample& s) {
    return s.effectivity && *s.effectivity >= 0.7 && *s.effectivity <= 1.3;
  });
  return static_cast<double>(good) / static_cast<double>(samples.size());
}

std::size_t ComparedResolution::unlike() const {
  return static_cast<std::size_t>(std::count_if(
      samples.begin(), samples.end(), [](const ComparedSample& s) { return !s.unlike_training.empty(); }));
}

const WorkPoint* solver_at_surrogate_error(const ComparedResolution& r) {
  const double error = r.mean(&ComparedSample::relative_l2);
  const WorkPoint* best = nullptr;
  for (const WorkPoint& p : r.solver.points) {
    if (p.relative_l2 <= error && (best == nullptr || p.seconds < best->seconds)) best = &p;
  }
  return best;
}

namespace {

std::string times_text(double ratio) {
  return fmt::format("{:.{}f} times", ratio, ratio < 10 ? 1 : 0);
}

// Which is faster at the surrogate's error.
std::string advice(const ComparedResolution& r, double surrogate) {
  const WorkPoint* solver = solver_at_surrogate_error(r);
  if (solver == nullptr) return "";
  std::string text =
      fmt::format("; the solver comes as near in {:.3g} ms ({}): ", 1e3 * solver->seconds, solver->label);
  const double alone = solver->seconds / surrogate;
  const double batched = solver->seconds / r.seconds_in_batches;
  const auto batches = [&](double ratio) {
    return r.best_batch > 1 ? fmt::format(" ({} in batches of {})", times_text(ratio), r.best_batch) : "";
  };
  if (alone >= 1)
    return text +
           fmt::format("use the surrogate, {} faster{} at that error", times_text(alone), batches(batched));
  if (batched >= 1)
    return text +
           fmt::format(
               "use the solver for single fields, {} faster, and the surrogate in batches of {}, {} faster",
               times_text(1 / alone), r.best_batch, times_text(batched));
  return text + fmt::format("use the solver, {} faster{}", times_text(1 / alone), batches(1 / batched));
}

}  // namespace

std::string verdict(const ComparedResolution& r) {
  const double error = r.mean(&ComparedSample::relative_l2);
  const double surrogate = r.summary(&ComparedSample::seconds_surrogate)->median;
  std::string text = fmt::format(
      "At {} ({} in training) the surrogate is off by {:.2g} % on average and takes {:.3g} ms a sample",
      r.resolution.text(), r.seen_in_training ? "seen" : "not seen", 100 * error, 1e3 * surrogate);
  text += advice(r, surrogate) + ".";
  const double interpolated = r.mean(&ComparedSample::interpolated_l2);
  if (interpolated == interpolated) {
    text += fmt::format(" Interpolating its prediction at the training resolution is off by {:.2g} %{}.",
                        100 * interpolated,
                        interpolated < error ? ": better than predicting at this resolution" : "");
  }
  const double grid = r.mean(&ComparedSample::discretisation_l2);
  if (grid == grid) {
    text += fmt::format(" The grid itself is off by {:.2g} % of the reference, the surrogate by {:.2g} %.",
                        100 * grid, 100 * r.mean(&ComparedSample::reference_l2));
  }
  return text;
}

namespace {

// Cycles until the error is `error`, between two of them by the logarithm; not a number where the curve does not fall so low.
double cycles_to(const WorkCurve& curve, double error) {
  for (std::size_t c = 1; c < curve.points.size(); ++c) {
    const double before = curve.points[c - 1].relative_l2;
    const double now = curve.points[c].relative_l2;
    if (now <= error && before > error)
      return static_cast<double>(c) - 1 + std::log(before / error) / std::log(before / now);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::string first_guess_verdict(const ComparedResolution& r) {
  constexpr double kError = 1e-8;
  std::string text;
  for (const WorkCurve& curve : r.corrected) {
    const double cycles = cycles_to(curve, kError);
    if (cycles != cycles) return "";
    text += fmt::format("{}{:.1f} {}", text.empty() ? "" : ", ", cycles, curve.name);
  }
  return text.empty()
             ? ""
             : fmt::format("As a first guess: multigrid cycles to an error of {:g}: {}.", kError, text);
}

namespace {

nlohmann::json json_of(const ErrorSummary& s) {
  return {{"mean", s.mean}, {"median", s.median}, {"max", s.max}};
}

nlohmann::json json_of(const WorkCurve& curve) {
  nlohmann::json points = nlohmann::json::array();
  for (const WorkPoint& p : curve.points)
    points.push_back({{"label", p.label}, {"seconds", p.seconds}, {"relative_l2", p.relative_l2}});
  return {{"name", curve.name}, {"points", points}};
}

nlohmann::json json_of(const ComparedSample& s) {
  nlohmann::json j{{"number", s.number}, {"image", s.image}, {"unlike_training", s.unlike_training}};
  for (const Measure& m : measures())
    if (s.*m.member) j[m.key] = *(s.*m.member);
  if (s.effectivity) j["effectivity"] = *s.effectivity;
  if (s.covered) j["covered_by_band"] = *s.covered;
  return j;
}

nlohmann::json json_of(const ComparedResolution& r, const Comparison& c) {
  nlohmann::json j{{"data", r.source},
                   {"resolution", {r.resolution.nx, r.resolution.ny}},
                   {"samples", r.samples.size()},
                   {"seen_in_training", r.seen_in_training},
                   {"seconds_per_sample", r.summary(&ComparedSample::seconds_surrogate)->median},
                   {"best_batch", r.best_batch},
                   {"seconds_per_sample_in_batches", r.seconds_in_batches},
                   {"device", c.device},
                   {"threads", c.threads},
                   {"unlike_training", r.unlike()},
                   {"verdict", verdict(r)}};
  for (const Measure& m : measures())
    if (const auto s = r.summary(m.member)) j[m.key] = json_of(*s);
  double mse = 0.0;
  for (const auto& s : r.samples)
    mse += *s.relative_l2 * *s.relative_l2 / static_cast<double>(r.samples.size());
  j["relative_mse"] = mse;
  if (const auto s = r.summary(&ComparedSample::seconds_solver)) j["solver_seconds_per_sample"] = s->median;
  if (const auto part = r.effective_part()) {
    j["effectivity"] = json_of(*r.summary(&ComparedSample::effectivity));
    j["effectivity_within_0.7_1.3"] = *part;
  }
  if (const auto s = r.summary(&ComparedSample::covered)) j["covered_by_band"] = s->mean;
  if (!r.solver.points.empty()) j["work_precision"] = {json_of(r.solver)};
  for (const WorkCurve& curve : r.corrected) j["work_precision"].push_back(json_of(curve));
  for (const auto& s : r.samples) j["by_sample"].push_back(json_of(s));
  return j;
}

// All that may lie in the folder of a comparison.
nlohmann::json files_of(const Comparison& c) {
  nlohmann::json files{"report.html", "compare.json", "compare.pvd", "compare_state.py"};
  const auto add = [&](const std::string& name) {
    if (!name.empty()) files.push_back(name);
  };
  add(c.errors_chart);
  add(c.times_chart);
  for (const auto& r : c.resolutions) {
    add(r.maps);
    add(r.work_chart);
    add(r.cycles_chart);
    for (const auto& s : r.samples) add(s.image);
  }
  return files;
}

}  // namespace

nlohmann::json to_json(const Comparison& c) {
  nlohmann::json results = nlohmann::json::array();
  for (const auto& r : c.resolutions) results.push_back(json_of(r, c));
  nlohmann::json data = nlohmann::json::array();
  for (const auto& [file, hash] : c.data) data.push_back({{"file", file}, {"hash", hash}});
  return {{"command", "compare"},
          {"files", files_of(c)},
          {"command_line", c.command_line},
          {"model", c.model},
          {"model_hash", c.model_hash},
          {"data", data},
          {"seed", c.seed},
          {"processor", c.processor},
          {"versions",
           {{"mano", kVersion}, {"petsc", kPetscVersion}, {"libtorch", kTorchVersion}, {"vtk", kVtkVersion}}},
          {"reference", c.reference},
          {"solver_tolerance", c.solver_tolerance},
          {"results", results}};
}

}  // namespace mano
