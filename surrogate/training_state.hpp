#pragma once
// Everything that the next epoch depends on, saved whole after every epoch. Private to surrogate/.

#include <torch/optim/adamw.h>

#include <filesystem>
#include <string>

#include "surrogate/multipole_model.hpp"

namespace mano {

struct TrainingState {
  int epoch = 0;          ///< finished epochs
  std::int64_t step = 0;  ///< optimiser steps
  int best_epoch = 0;
  double best_l2 = 0.0;
  double seconds = 0.0;
};

/// `fingerprint` names everything that must be the same when training goes on: data, architecture, options.
void save_training_state(const std::filesystem::path& path, const TrainingState& state,
                         const MultipoleModel& model, torch::optim::AdamW& optimizer,
                         const std::string& fingerprint);

/// Throws InvalidInput for a damaged file or another fingerprint.
TrainingState load_training_state(const std::filesystem::path& path, MultipoleModel& model,
                                  torch::optim::AdamW& optimizer, const std::string& fingerprint);

}  // namespace mano
