#include "apps/evaluation_table.hpp"

#include <fmt/core.h>

namespace mano {

std::vector<std::string> table_lines(const std::vector<Evaluation>& evaluations) {
  std::vector<std::string> lines;
  lines.push_back(
      "resolution  in training  samples  relative L2 (median, max)    relative H1  relative MSE  s/sample");
  for (const Evaluation& e : evaluations) {
    lines.push_back(fmt::format("{:<11} {:<12} {:<8} {:.4f} ({:.4f}, {:.4f})      {:<12.4f} {:<13.3e} {:.3g}",
                                e.resolution.text(), e.seen_in_training ? "seen" : "unseen", e.samples,
                                e.relative_l2.mean, e.relative_l2.median, e.relative_l2.max,
                                e.relative_h1.mean, e.relative_mse, e.seconds_per_sample));
    if (e.interpolated_l2) {
      lines.push_back(fmt::format(
          "{:<11} {:<12} {:<8} {:.4f} ({:.4f}, {:.4f})      interpolated from the training resolution: "
          "the line to beat",
          "", "", "", e.interpolated_l2->mean, e.interpolated_l2->median, e.interpolated_l2->max));
    }
  }
  return lines;
}

namespace {

nlohmann::json summary_json(const ErrorSummary& s) {
  return {{"mean", s.mean}, {"median", s.median}, {"max", s.max}};
}

}  // namespace

nlohmann::json evaluations_json(const std::string& command, const std::string& model,
                                const std::vector<Evaluation>& evaluations) {
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
    if (e.interpolated_l2) r["interpolated_relative_l2"] = summary_json(*e.interpolated_l2);
    results.push_back(r);
  }
  return {{"command", command}, {"model", model}, {"results", results}};
}

}  // namespace mano
