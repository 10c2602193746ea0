#pragma once
// Trains a MANO on datasets: relative L2 loss on de-normalised pressure, AdamW, warm-up and cosine decay, gradient
// clipping, a held-out part for the best checkpoint.
//
// RUN/ holds
//   model.safetensors   weights of the best epoch so far, with the model card
//   state.safetensors   weights, optimiser and counters of the last finished epoch, for resuming
//   log.jsonl           a line of JSON an epoch
// Each appears by rename. On a CPU a resumed run equals an uninterrupted one bit for bit: the order of the data is a
// function of (seed, epoch), and nothing else is random after initialisation.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "surrogate/architecture.hpp"

namespace mano {

struct TrainRequest {
  std::vector<std::filesystem::path> data;
  std::filesystem::path run;
  Architecture architecture;
  int epochs = 60;
  int batch = 32;
  double learning_rate = 2e-3;  ///< at its peak
  double weight_decay = 1e-4;
  double warm_up = 0.05;       ///< fraction of the steps with a rising learning rate
  double gradient_clip = 1.0;  ///< bound on the gradient's 2-norm
  double held_out = 0.05;      ///< fraction of every dataset that is not trained on
  std::uint64_t seed = 0;
  std::string device = "auto";
  std::optional<double> max_seconds;
  bool resume = false;
  bool overwrite = false;
};

struct EpochReport {
  int epoch = 0;  ///< from 1
  double train_l2 = 0.0;
  double validation_l2 = 0.0;
  double learning_rate = 0.0;
  double seconds = 0.0;  ///< since the start, earlier parts of a resumed run included
  bool best = false;
};

struct TrainResult {
  int epochs = 0;
  double seconds = 0.0;
  std::int64_t parameters = 0;
  int best_epoch = 0;
  double best_l2 = 0.0;
  std::string device;
  bool stopped_on_time = false;
};

struct TrainCallbacks {
  std::function<void(int epoch, std::size_t samples, std::size_t of)> progress;
  std::function<void(const EpochReport&)> epoch;
};

/// Throws InvalidInput for unusable data or options, RunFailed where the loss is not finite (the best checkpoint stays),
/// Interrupted where a signal came (resumable).
TrainResult train(const TrainRequest& request, const TrainCallbacks& callbacks);

}  // namespace mano
