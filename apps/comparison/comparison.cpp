#include "apps/comparison/comparison.hpp"

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
      {"largest_error", "largest error", "over the largest pressure", &ComparedSample::largest_error},
      {"interpolated_relative_l2", "training grid's, interpolated",
       "relative L2 of the prediction at the training resolution, interpolated: the line to beat",
       &ComparedSample::interpolated_l2},
      {"flux_error", "flux", "relative L2 of the fluxes through all faces", &ComparedSample::flux_error},
      {"outflow_error", "outflow",
       "error of what flows out through the sides, over the flow through the domain",
       &ComparedSample::outflow_error},
      {"mass_defect", "local mass imbalance",
       "sum over cells of |in - out|, over the flow through the domain: neighbours cancel, so that it is far "
       "larger than the error of the outflow; --conservative removes it",
       &ComparedSample::mass_defect},
      {"discretisation_relative_l2", "error of the grid",
       "relative L2 of the solver on this grid against the finer reference",
       &ComparedSample::discretisation_l2},
      {"reference_relative_l2", "surrogate against reference",
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

std::optional<std::size_t> ComparedResolution::unlike() const {
  std::optional<std::size_t> count;
  for (const auto& s : samples)
    if (s.unlike_training) count = count.value_or(0) + (s.unlike_training->empty() ? 0 : 1);
  return count;
}

std::size_t ComparedResolution::trained_on() const {
  return static_cast<std::size_t>(
      std::count_if(samples.begin(), samples.end(), [](const ComparedSample& s) { return s.trained_on; }));
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
  std::string text = fmt::format(
      "; the solver, stopped early ({}), is at least as near ({:.2g} %) in {:.3g} ms: ", solver->label,
      100 * solver->relative_l2, 1e3 * solver->seconds);
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

namespace {

// How many times the surrogate, alone or in batches, is faster than the solver at its error; below 1 the solver is.
std::optional<double> advantage(const ComparedResolution& r) {
  const WorkPoint* solver = solver_at_surrogate_error(r);
  if (solver == nullptr) return std::nullopt;
  return solver->seconds / std::min(r.seconds_surrogate, r.seconds_in_batches);
}

std::string range_text(double least, double most) {
  const std::string low = times_text(least);
  const std::string high = times_text(most);
  return low == high ? low : low.substr(0, low.find(' ')) + " to " + high;
}

}  // namespace

std::string headline(const Comparison& c) {
  std::vector<double> ratios;
  std::size_t fewest = c.resolutions.front().samples.size();
  for (const auto& r : c.resolutions) {
    if (const auto ratio = advantage(r)) ratios.push_back(*ratio);
    fewest = std::min(fewest, r.samples.size());
  }
  if (ratios.empty()) return "No solver to compare with: the data do not record their equation.";
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  const std::string where =
      fmt::format("on this machine ({}), measured on {} fields a resolution", c.processor, fewest);
  if (*most < 1)
    return fmt::format("Use the solver: it is {} faster at the surrogate's own error, {}.",
                       range_text(1 / *most, 1 / *least), where);
  if (*least >= 1)
    return fmt::format(
        "Use the surrogate where its error will do: it is {} faster than the solver at that error, {}.",
        range_text(*least, *most), where);
  return fmt::format(
      "Solver or surrogate, it depends on the resolution: at the surrogate's own error the solver is up to "
      "{} "
      "faster, the surrogate up to {}, {}.",
      times_text(1 / *least), times_text(*most), where);
}

std::string verdict(const ComparedResolution& r) {
  const double error = r.mean(&ComparedSample::relative_l2);
  const std::size_t known = r.trained_on();
  std::string text =
      known == 0
          ? ""
          : fmt::format("Caution: {} of these {} fields were trained on; new ones have larger errors. ",
                        known, r.samples.size());
  text += fmt::format(
      "At {} ({} in training) the surrogate is off by {:.2g} % on average ({} fields, worst {:.2g} %) and "
      "takes {:.3g} ms a "
      "field",
      r.resolution.text(), r.seen_in_training ? "seen" : "not seen", 100 * error, r.samples.size(),
      100 * r.summary(&ComparedSample::relative_l2)->max, 1e3 * r.seconds_surrogate);
  text += advice(r, r.seconds_surrogate) + ".";
  const double interpolated = r.mean(&ComparedSample::interpolated_l2);
  if (interpolated == interpolated) {
    text += fmt::format(" Interpolating its prediction at the training resolution is off by {:.2g} %{}.",
                        100 * interpolated,
                        interpolated < error ? ": better than predicting at this resolution" : "");
  }
  const double grid = r.mean(&ComparedSample::discretisation_l2);
  if (grid == grid) {
    text += fmt::format(
        " Even the solution on this grid is off by {:.2g} % of the reference; the surrogate is by {:.2g} %.",
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

std::string initial_guess_verdict(const ComparedResolution& r) {
  constexpr double kError = 1e-8;
  std::string text;
  for (const WorkCurve& curve : r.corrected) {
    const double cycles = cycles_to(curve, kError);
    if (cycles != cycles) return "";
    text += fmt::format("{}{:.1f} {}", text.empty() ? "" : ", ", cycles, curve.name);
  }
  return text.empty()
             ? ""
             : fmt::format("As an initial guess, multigrid cycles to an error of {:g}: {}.", kError, text);
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
  nlohmann::json j{{"number", s.number}, {"image", s.image}, {"trained_on", s.trained_on}};
  if (s.unlike_training) j["unlike_training"] = *s.unlike_training;
  for (const Measure& m : measures())
    if (s.*m.member) j[m.key] = *(s.*m.member);
  if (s.effectivity) j["effectivity"] = *s.effectivity;
  if (s.covered) j["covered_by_interval"] = *s.covered;
  return j;
}

nlohmann::json json_of(const ComparedResolution& r, const Comparison& c) {
  nlohmann::json j{{"data", r.source},
                   {"resolution", {r.resolution.nx, r.resolution.ny}},
                   {"samples", r.samples.size()},
                   {"seen_in_training", r.seen_in_training},
                   {"seconds_per_sample", r.seconds_surrogate},
                   {"best_batch", r.best_batch},
                   {"seconds_per_sample_in_batches", r.seconds_in_batches},
                   {"device", c.device},
                   {"threads", c.threads},
                   {"trained_on", r.trained_on()},
                   {"verdict", verdict(r)}};
  for (const Measure& m : measures())
    if (const auto s = r.summary(m.member)) j[m.key] = json_of(*s);
  double mse = 0.0;
  for (const auto& s : r.samples)
    mse += *s.relative_l2 * *s.relative_l2 / static_cast<double>(r.samples.size());
  j["relative_mse"] = mse;
  if (const auto unlike = r.unlike()) j["unlike_training"] = *unlike;
  if (!r.solver.points.empty()) j["solver_seconds_per_sample"] = r.solver.points.back().seconds;
  if (const auto part = r.effective_part()) {
    j["effectivity"] = json_of(*r.summary(&ComparedSample::effectivity));
    j["effectivity_within_0.7_1.3"] = *part;
  }
  if (const auto s = r.summary(&ComparedSample::covered)) j["covered_by_interval"] = s->mean;
  if (!r.solver.points.empty()) j["work_precision"] = {json_of(r.solver)};
  for (const WorkCurve& curve : r.corrected) j["work_precision"].push_back(json_of(curve));
  if (!r.surrogate.points.empty()) j["work_precision"].push_back(json_of(r.surrogate));
  for (const auto& s : r.samples) j["by_sample"].push_back(json_of(s));
  return j;
}

}  // namespace

std::vector<std::string> files_of(const Comparison& c) {
  std::vector<std::string> files{"report.html",      "compare.json", "compare.pvd",
                                 "compare_state.py", "errors.png",   "times.png"};
  for (const auto& r : c.resolutions) {
    for (const char* picture : {"maps", "work", "cycles"})
      files.push_back(fmt::format("{}-{}.png", picture, r.label));
    for (const auto& s : r.samples) files.push_back(s.image);
  }
  return files;
}

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
          {"method", c.method},
          {"headline", headline(c)},
          {"processor", c.processor},
          {"versions",
           {{"mano", kVersion}, {"petsc", kPetscVersion}, {"libtorch", kTorchVersion}, {"vtk", kVtkVersion}}},
          {"reference", c.reference},
          {"solver_tolerance", c.solver_tolerance},
          {"results", results}};
}

}  // namespace mano
