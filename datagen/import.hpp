#pragma once
// Turns arrays of others into a dataset.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/field.hpp"
#include "datagen/array_axes.hpp"

namespace mano {

struct ImportRequest {
  std::filesystem::path input;
  std::filesystem::path output;
  std::string coefficient;  ///< dataset name; empty: the usual ones are tried
  std::string solution;
  ArrayOptions arrays;                              ///< how to read them
  std::optional<std::pair<double, double>> phases;  ///< permeabilities of indicator 0 and 1
  std::string active;  ///< dataset name of 1 (active) and 0, for all samples or for each; empty: none
  bool nan_is_inactive = false;  ///< of the coefficient
  Location location = Location::cell;
  std::array<double, 3> size{1.0, 1.0, 1.0};  ///< lx, ly, of volumes lz
  std::string problem_name;                   ///< kUnknownProblem where the equation's data are not recorded
  std::string configuration;
};

struct ImportResult {
  std::size_t samples = 0;
  std::vector<std::string> arrays;  ///< for people: name, shape, axes and range of each
};

/// Volumes are taken where --axes names z. Throws InvalidInput where shapes differ, a coefficient is not finite and above zero (naming sample and cell), or, with phases, is neither
/// 0 nor 1, or a solution is not finite. Inactive cells may hold anything.
ImportResult import_dataset(const ImportRequest& request);

}  // namespace mano
