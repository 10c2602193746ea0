#pragma once
// Everything that the next epoch depends on, saved whole after every epoch. Private to surrogate/.

#include <filesystem>
#include <string>

#include "surrogate/networks/network.hpp"
#include "surrogate/training/optimizer.hpp"

namespace mano {

struct TrainingState {
  int stage = 0;          ///< 0 base, 1 refinement
  int epoch = 0;          ///< finished epochs
  std::int64_t step = 0;  ///< optimiser steps, those left out included
  int best_epoch = 0;
  double best_l2 = 0.0;
  double seconds = 0.0;
};

/// The entry of a fingerprint that states of before do not have: samples of all processes in a step.
inline constexpr const char* kSamplesAStep = "samples_a_step";

/// Of the network that the stage trains, with its optimiser. `fingerprint` names everything that must be the same when training goes
/// on: data, architecture, options.
void save_training_state(const std::filesystem::path& path, const TrainingState& state,
                         const Network& network, const Optimizer& optimizer, const std::string& fingerprint);

/// Throws InvalidInput for a damaged file or another fingerprint.
TrainingState load_training_state(const std::filesystem::path& path, Network& network, Optimizer& optimizer,
                                  const std::string& fingerprint);
/// The counters of a saved state alone. Throws InvalidInput as load_training_state() does.
TrainingState load_counters(const std::filesystem::path& path, const std::string& fingerprint);

}  // namespace mano
