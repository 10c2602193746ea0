#pragma once
// Evaluations as lines of a table and as the JSON that scripts rely on.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "surrogate/evaluate.hpp"

namespace mano {

std::vector<std::string> table_lines(const std::vector<Evaluation>& evaluations);
nlohmann::json evaluations_json(const std::string& command, const std::string& model,
                                const std::vector<Evaluation>& evaluations);

}  // namespace mano
