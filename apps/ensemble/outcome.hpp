#pragma once
// The result of an ensemble as numbers: for the terminal, for JSON, for the page.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/ensemble/stored_sampler.hpp"

namespace mano {

struct PlainMonteCarlo {
  double seconds_per_sample = 0.0;  ///< processor time of one on the finest grid
  double seconds = 0.0;             ///< for the same tolerances: expected
  std::vector<Estimate> estimates;  ///< where it was run (--compare-plain)
  std::size_t samples = 0;
  double seconds_measured = 0.0;
};

struct EnsembleOutcome {
  std::vector<Quantity> quantities;
  std::vector<std::string> units;
  std::vector<double> tolerances;
  std::vector<Grid> grids;
  bool truth_is_finest = true;  ///< the finest grid is the truth by definition
  MultilevelResult result;
  std::vector<TermSeconds> seconds_by_term;
  double seconds = 0.0;  ///< processor time of all samples and of what is around them, all ranks and runs
  double wall_seconds = 0.0;  ///< of this run
  PlainMonteCarlo plain;
  std::string model;  ///< --model
  std::string description, command_line;

  const Grid& finest() const { return grids.at(result.terms.back().fine.level); }
  /// Of the finest grid's samples; [P10, P50, P90].
  std::vector<Quantile> quantiles(std::size_t q) const;
  /// "128x128 - 64x64", "16x16", "16x16 - surrogate", "surrogate at 16x16"
  std::string name_of(const Term& term) const;
};

inline constexpr double kPercentiles[] = {0.1, 0.5, 0.9};

nlohmann::json to_json(const EnsembleOutcome& outcome);
/// What the surrogate was worth, one sentence; empty without one.
std::string surrogate_line(const EnsembleOutcome& outcome);
/// What takes the place of the truth, one sentence.
std::string truth_line(const EnsembleOutcome& outcome);
/// Time beside plain Monte Carlo's, one sentence.
std::string plain_line(const EnsembleOutcome& outcome);
/// On standard output.
void print_outcome(const EnsembleOutcome& outcome);

}  // namespace mano
