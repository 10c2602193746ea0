#pragma once
// Displacements in datasets: what a file says of one, so that each sample can be simulated anew, on its own or another grid; and samples
// simulated and verified.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/displacement/displacement_options.hpp"
#include "apps/samples/generation.hpp"
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
  /// Of the same where each sample has wells of its own; in place of those that all share, where it has none yet.
  std::string name_with_own_wells() const;
  /// The wells of --well, which all samples share.
  std::vector<PlacedWell> shared_wells() const;
  std::string description() const;  ///< JSON, for DatasetInfo::displacement
  const std::vector<double>& times() const { return options_.snapshots; }
  const Fluids& fluids() const { return fluids_; }
  const Units& units() const;
  const FlowSource& flow() const { return *flow_; }
  /// Of a permeability and its active cells, on any grid.
  Displacement displacement(const Sample& sample) const;
  /// The same, and what it decides of the sample (FlowSource::settle).
  Displacement settle(Sample& sample) const;
  /// As the dataset was made, with its times; the caller may change accuracy and times.
  const SimulationOptions& options() const { return options_; }

 private:
  void open(FlowOptions flow, const Units& units);
  nlohmann::json identity() const;  // what problem_name() tells apart
  static std::string name_of(const nlohmann::json& identity);

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

/// Simulates a sample as its dataset says; `spare` solves the pressures that multigrid does not. Its active cells become those of the problem,
/// without islands where they are dropped.
VerifiedSolution simulate_sample(const DisplacementSource& source, Sample& sample, double tolerance,
                                 const TotalFlow::Spare& spare);

/// What `mano generate --problem displacement` asks for: the options of a sample's rock and flow, of the displacement, and the problem that drives
/// it, five-spot where it is empty.
struct GenerateDisplacementOptions : GenerateOptions {
  DisplacementOptions displacement;
  std::string driven_by;
};

/// Of --problem displacement, whose driving problem becomes that of `options`; empty for steady flow. Throws InvalidInput where options do not
/// go together.
std::optional<DisplacementSource> displacement_of(GenerateDisplacementOptions& options,
                                                  const FieldSource& source, const Units& units);

/// make_generate_request(), of a displacement where there is one.
GenerateRequest make_generate_request(const GenerateDisplacementOptions& options, const FieldSource& source,
                                      const FlowSource& flow,
                                      const std::optional<DisplacementSource>& displacement,
                                      const std::vector<std::string>& petsc);

/// As generate_by_threads() of apps/samples/generation.hpp, of displacements; PETSc starts where multigrid does not solve a pressure.
Prepared generate_by_threads(const GenerateRequest& request, const FieldSource& source,
                             const DisplacementSource& displacement, int threads,
                             const std::function<void(std::size_t finished)>& progress);

/// The history that a result holds.
History history_of(const SimulationResult& result);

}  // namespace mano
