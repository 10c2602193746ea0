#pragma once
// What `mano predict` does with a model of displacements.

#include <string>
#include <vector>

#include "apps/options/field_source.hpp"
#include "apps/workflow/own_wells.hpp"

namespace mano {

struct PredictDisplacementOptions {
  FieldOptions field;
  std::string model, data, resolution, output, json, device = "auto";
  std::size_t samples = 1;
  int batch = 16;
  std::vector<double> times;  ///< of an animation, in pore volumes injected; empty: the model's own
  bool direct = false;
  OwnWellOptions wells;
};

/// A dataset of predictions (.h5), or an animation of one (.pvd) with its curves beside it as .csv. Throws InvalidInput.
void predict_displacements(const PredictDisplacementOptions& options);

}  // namespace mano
