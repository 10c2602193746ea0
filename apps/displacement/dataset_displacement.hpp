#pragma once
// Displacements in datasets: what a file says of one, so that each sample can be simulated anew, on its own or another grid; and samples
// simulated and verified.

#include <memory>
#include <string>
#include <vector>

#include "apps/displacement/displacement_options.hpp"
#include "datagen/dataset.hpp"
#include "datagen/generator.hpp"
#include "displacement/simulator.hpp"

namespace mano {

/// What all samples of a dataset share: what drives the flow, fluids, porosity, times and accuracy.
class DisplacementSource {
 public:
  /// From options. `flow` holds those that drive the flow, with the name of `--driven-by`. Throws InvalidInput, for porosities and sources of
  /// files too, which a dataset does not hold.
  DisplacementSource(const DisplacementOptions& options, FlowOptions flow, const Units& units,
                     double tolerance);
  /// From a dataset's DatasetInfo. Throws InvalidInput where it holds no displacement, or one that cannot be read.
  explicit DisplacementSource(const DatasetInfo& info);
  ~DisplacementSource();
  DisplacementSource(DisplacementSource&&) noexcept;

  /// kDisplacementProblem for the default: five-spot, named fluids oil-water, porosity 1, consistent units. Another one has a hash after it.
  std::string problem_name() const;
  std::string description() const;  ///< JSON, for DatasetInfo::displacement
  const std::vector<double>& times() const { return options_.snapshots; }
  const Fluids& fluids() const { return fluids_; }
  const Units& units() const;
  const FlowSource& flow() const { return *flow_; }
  /// Of a permeability and its active cells, on any grid.
  Displacement displacement(const Sample& sample) const;
  /// As the dataset was made, with its times; the caller may change accuracy and times.
  const SimulationOptions& options() const { return options_; }

 private:
  void open(FlowOptions flow, const Units& units);
  nlohmann::json identity() const;  // what problem_name() tells apart

  nlohmann::json flow_json_;  // options that drive the flow
  std::unique_ptr<FlowSource> flow_;
  Fluids fluids_;
  double porosity_ = 1.0;
  double tolerance_ = 1e-10;
  SimulationOptions options_;
};

/// Simulates a sample; `rejection` says why it must not be stored: a mass balance error or a residual of a pressure above `tolerance` (or what
/// rounding allows), recomputed; a pressure outside the maximum principle; a saturation out of bounds; curves that do not fit.
VerifiedSolution verified_displacement(const Displacement& displacement, const SimulationOptions& options,
                                       double tolerance);

/// The history that a result holds.
History history_of(const SimulationResult& result);

}  // namespace mano
