#pragma once
// Evaluations as lines of a table and as the JSON that scripts rely on.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "surrogate/evaluate.hpp"

namespace mano {

/// The error that ratios are taken to: at the first evaluated resolution that training saw, else on the held-out part of training.
double error_at_training_resolution(const std::vector<Evaluation>& evaluations, const ModelCard& card);

std::vector<std::string> table_lines(const std::vector<Evaluation>& evaluations, const ModelCard& card);
/// In a RUN folder: what `mano evaluate --record` found last.
inline constexpr const char* kRecordedEvaluation = "evaluation.json";

nlohmann::json evaluations_json(const std::string& command, const std::string& model, const ModelCard& card,
                                const std::vector<Evaluation>& evaluations);

}  // namespace mano
