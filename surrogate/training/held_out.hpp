#pragma once
// Errors on the held-out part of the training data. Private to surrogate/ and its tests.

#include <vector>

#include "surrogate/multigrid/model.hpp"
#include "surrogate/training/train_data.hpp"

namespace mano {

struct HeldOut {
  double mean_l2 = 0.0;  ///< over the fields of all sets
  std::vector<Calibration> calibrations;
};

/// Predicts as the model is, by the hierarchy from each set's own resolution.
HeldOut held_out_errors(const SurrogateModel& model, const TrainData& data, int batch);

/// The same of a displacement: relative L2 of its saturations over space and time, on each set's own grid, and intervals about them.
HeldOut held_out_history_errors(const SurrogateModel& model, const TrainData& data, int batch);

/// The part of the held-out fields whose most probable class is theirs.
double held_out_accuracy(const SurrogateModel& model, const TrainData& data, int batch);

/// Mean relative L2 after 0, 1, 2, ... cycles from each set's own resolution, at least eight where the equation is known
/// (ModelCard::cycle_errors). The model's own number of cycles is as it was afterwards.
std::vector<double> cycle_errors(SurrogateModel& model, const TrainData& data, int batch);

}  // namespace mano
