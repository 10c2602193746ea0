#include "apps/comparison.hpp"

#include <fmt/core.h>

namespace mano {

ErrorSummary ComparedResolution::summary(double ComparedSample::*member) const {
  std::vector<double> values;
  for (const auto& s : samples) values.push_back(s.*member);
  return summarize(values);
}

namespace {

std::optional<ErrorSummary> summary_of_present(const std::vector<ComparedSample>& samples,
                                               std::optional<double> ComparedSample::*member) {
  std::vector<double> values;
  for (const auto& s : samples) {
    if (s.*member) values.push_back(*(s.*member));
  }
  if (values.empty()) return std::nullopt;
  return summarize(values);
}

nlohmann::json json_of(const ErrorSummary& s) {
  return {{"mean", s.mean}, {"median", s.median}, {"max", s.max}};
}

}  // namespace

std::optional<ErrorSummary> ComparedResolution::interpolated() const {
  return summary_of_present(samples, &ComparedSample::interpolated_l2);
}

std::optional<ErrorSummary> ComparedResolution::solver_seconds() const {
  return summary_of_present(samples, &ComparedSample::seconds_solver);
}

std::string verdict(const ComparedResolution& r) {
  const double error = r.summary(&ComparedSample::relative_l2).mean;
  const double surrogate = r.summary(&ComparedSample::seconds_surrogate).median;
  std::string text = fmt::format(
      "At {} ({} in training) the surrogate is off by {:.2g} % on average and takes {:.3g} ms a sample",
      r.resolution.text(), r.seen_in_training ? "seen" : "not seen", 100 * error, 1e3 * surrogate);
  if (const auto solver = r.solver_seconds()) {
    const double ratio = solver->median / surrogate;
    text +=
        fmt::format("; the solver takes {:.3g} ms and has no such error, so the surrogate is {:.3g} times {}",
                    1e3 * solver->median, ratio > 1 ? ratio : 1 / ratio,
                    ratio > 1 ? "faster, at that error" : "slower: use the solver");
  }
  text += ".";
  if (const auto interpolated = r.interpolated()) {
    text += fmt::format(" Interpolating its prediction at the training resolution is off by {:.2g} %{}.",
                        100 * interpolated->mean,
                        interpolated->mean < error ? ": better than predicting at this resolution" : "");
  }
  return text;
}

nlohmann::json to_json(const Comparison& c) {
  nlohmann::json results = nlohmann::json::array();
  for (const auto& r : c.resolutions) {
    const auto l2 = r.summary(&ComparedSample::relative_l2);
    nlohmann::json j{{"data", r.source},
                     {"resolution", {r.resolution.nx, r.resolution.ny}},
                     {"samples", r.samples.size()},
                     {"seen_in_training", r.seen_in_training},
                     {"relative_l2", json_of(l2)},
                     {"relative_h1", json_of(r.summary(&ComparedSample::relative_h1))},
                     {"largest_error", json_of(r.summary(&ComparedSample::largest_error))},
                     {"seconds_per_sample", r.summary(&ComparedSample::seconds_surrogate).median},
                     {"device", c.device},
                     {"threads", c.threads},
                     {"verdict", verdict(r)}};
    double mse = 0.0;
    for (const auto& s : r.samples)
      mse += s.relative_l2 * s.relative_l2 / static_cast<double>(r.samples.size());
    j["relative_mse"] = mse;
    if (const auto interpolated = r.interpolated()) j["interpolated_relative_l2"] = json_of(*interpolated);
    if (const auto solver = r.solver_seconds()) j["solver_seconds_per_sample"] = solver->median;
    results.push_back(j);
  }
  return {{"command", "compare"},
          {"model", c.model},
          {"solver_tolerance", c.solver_tolerance},
          {"results", results}};
}

}  // namespace mano
