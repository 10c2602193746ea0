#pragma once
// Wells of each sample's own, for models of displacements that were trained on such: where a prediction's wells come from.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "apps/workflow/displacement_model.hpp"

namespace mano {

struct OwnWellOptions {
  std::vector<std::string> wells;  ///< --well, the same in all samples
  std::string random_wells;        ///< --random-wells; where neither is given, those of the model's data
  bool given() const { return !wells.empty() || !random_wells.empty(); }
};

void add_own_well_options(CLI::App& app, OwnWellOptions& options);
/// Throws InvalidInput where any is given, since a dataset has its wells.
void refuse_beside_data(const OwnWellOptions& options);

class OwnWells {
 public:
  /// Throws InvalidInput for options that are not understood, that exclude each other, or that go with a model whose wells are fixed.
  OwnWells(const DisplacementModel& model, const OwnWellOptions& options);

  /// The sample with its wells, none where the model's are fixed, and without islands.
  Sample given_to(Sample sample) const;
  std::size_t most() const;                                          ///< that a sample gets
  std::string description() const { return source_.description(); }  ///< as DatasetInfo::displacement

 private:
  DisplacementSource source_;
  std::vector<PlacedWell> given_;
};

}  // namespace mano
