#include "apps/comparison/evaluation_table.hpp"

#include <fmt/core.h>

namespace mano {

double error_at_training_resolution(const std::vector<Evaluation>& evaluations, const ModelCard& card) {
  for (const Evaluation& e : evaluations)
    if (e.seen_in_training) return e.relative_l2.mean;
  return card.validation_l2;
}

namespace {

// An exact start has no error at the training resolution to compare with.
std::string ratio_text(double error, double reference) {
  return reference > 1e-7 ? fmt::format("{:.3f}", error / reference) : "-";
}

}  // namespace

std::vector<std::string> table_lines(const std::vector<Evaluation>& evaluations, const ModelCard& card) {
  std::vector<std::string> lines;
  lines.push_back(
      "resolution  in training  samples  relative L2 (median, max)   to training  interpolated  relative H1  "
      "in interval  unlike  s/sample");
  const double reference = error_at_training_resolution(evaluations, card);
  bool seen = false;
  for (const Evaluation& e : evaluations) {
    seen = seen || e.seen_in_training;
    lines.push_back(fmt::format(
        "{:<11} {:<12} {:<8} {:.5f} ({:.5f}, {:.5f})  {:<12} {:<13.5f} {:<12.5f} {:<12} {:<7} {:.3g}",
        e.resolution.text(), e.seen_in_training ? "seen" : "unseen", e.samples, e.relative_l2.mean,
        e.relative_l2.median, e.relative_l2.max, ratio_text(e.relative_l2.mean, reference),
        e.interpolated_l2.mean, e.relative_h1.mean,
        e.covered ? fmt::format("{:.1f} %", 100 * *e.covered) : "-",
        e.unlike_training ? std::to_string(*e.unlike_training) : "-", e.seconds_per_sample));
  }
  lines.push_back(
      fmt::format("to training: relative L2 divided by that {} ({:.5f}); interpolated: relative L2 of the "
                  "prediction at the training resolution, interpolated",
                  seen ? "at the training resolution" : "of the held-out part of training", reference));
  lines.push_back(
      fmt::format("in interval: part of the points within the model's {:.0f} % prediction interval, where it "
                  "has one; unlike: samples whose permeability is unlike the training data's",
                  100 * kCoverage));
  return lines;
}

namespace {

nlohmann::json summary_json(const ErrorSummary& s) {
  return {{"mean", s.mean}, {"median", s.median}, {"max", s.max}};
}

}  // namespace

nlohmann::json evaluations_json(const std::string& command, const std::string& model, const ModelCard& card,
                                const std::vector<Evaluation>& evaluations) {
  const double reference = error_at_training_resolution(evaluations, card);
  nlohmann::json results = nlohmann::json::array();
  for (const Evaluation& e : evaluations) {
    nlohmann::json r{{"data", e.data},
                     {"resolution", {e.resolution.nx, e.resolution.ny}},
                     {"samples", e.samples},
                     {"seen_in_training", e.seen_in_training},
                     {"relative_l2", summary_json(e.relative_l2)},
                     {"relative_h1", summary_json(e.relative_h1)},
                     {"relative_mse", e.relative_mse},
                     {"seconds_per_sample", e.seconds_per_sample},
                     {"device", e.device}};
    r["interpolated_relative_l2"] = summary_json(e.interpolated_l2);
    r["ratio_to_training_resolution"] = e.relative_l2.mean / reference;
    r["method"] = to_string(e.method);
    if (e.covered) r["covered_by_interval"] = *e.covered;
    if (e.unlike_training) r["unlike_training"] = *e.unlike_training;
    results.push_back(r);
  }
  return {{"command", command}, {"model", model}, {"results", results}};
}

}  // namespace mano
