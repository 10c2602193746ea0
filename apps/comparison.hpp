#pragma once
// Surrogate against solver on the same fields: what `mano compare` measures and its report shows.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/norms.hpp"
#include "surrogate/model_card.hpp"

namespace mano {

struct ComparedSample {
  std::uint64_t number = 0;
  double relative_l2 = 0.0;
  double relative_h1 = 0.0;
  double largest_error = 0.0;             ///< over the largest absolute pressure
  std::optional<double> interpolated_l2;  ///< at an unseen finer resolution
  double seconds_surrogate = 0.0;         ///< one sample at a time
  std::optional<double>
      seconds_solver;  ///< set-up and solve on one core; empty where the equation is unknown
  std::string image;   ///< .vti in the folder
};

struct ComparedResolution {
  std::string source;  ///< dataset, or the random field
  Resolution resolution;
  bool seen_in_training = false;
  std::vector<ComparedSample> samples;
  std::string maps;  ///< picture of the first sample, in the folder

  ErrorSummary summary(double ComparedSample::*member) const;
  std::optional<ErrorSummary> interpolated() const;
  std::optional<ErrorSummary> solver_seconds() const;
};

struct Comparison {
  std::string command_line;
  std::string model;
  ModelCard card;
  std::string device;
  int threads = 1;  ///< of the surrogate on a CPU; the solver has one
  double solver_tolerance = 0.0;
  std::vector<ComparedResolution> resolutions;
  std::string errors_chart, times_chart;  ///< pictures in the folder; empty where gnuplot is absent
};

/// "At 64x64 (unseen) ...": error and time of both, in plain words.
std::string verdict(const ComparedResolution& resolution);

nlohmann::json to_json(const Comparison& comparison);

/// One self-contained HTML page; pictures are read from `folder` and put inline.
void write_report(const std::filesystem::path& folder, const Comparison& comparison);

}  // namespace mano
