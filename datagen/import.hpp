#pragma once
// Turns arrays of others into a dataset.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "core/field.hpp"

namespace mano {

struct ImportRequest {
  std::filesystem::path input;
  std::filesystem::path output;
  std::string coefficient;  ///< dataset name; empty: the usual ones are tried
  std::string solution;
  std::optional<std::pair<double, double>> phases;  ///< permeabilities of indicator 0 and 1
  Location location = Location::cell;
  std::pair<double, double> size{1.0, 1.0};
  std::string problem_name;  ///< kUnknownProblem where the equation's data are not recorded
  std::string configuration;
};

/// Number of samples written. Throws InvalidInput where shapes differ, a coefficient is not finite and above zero
/// (naming sample and cell), or, with phases, is neither 0 nor 1.
std::size_t import_dataset(const ImportRequest& request);

}  // namespace mano
