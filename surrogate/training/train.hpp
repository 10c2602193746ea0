#pragma once
// Trains a surrogate on datasets, in two stages: the base network to the pressures, on the data's grid or a coarser one, then the refinement of the hierarchy of grids
// (docs/mano.md). Relative L2 loss, Muon or AdamW, warm-up and cosine decay, gradient clipping, an average of the weights over the last
// steps, a held-out part for the best checkpoint.
//
// RUN/ holds
//   model.safetensors   weights of the best epoch so far, with the model card
//   state.safetensors   weights, optimiser and counters of the last finished epoch, for resuming
//   log.jsonl           a line of JSON an epoch
//   lock                held by the training that is at work there; a second one is refused
// Each appears by rename. On a CPU a resumed run equals an uninterrupted one bit for bit: the order of the data is a
// function of (seed, epoch), and so are reflections and all else that is random after initialisation.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "surrogate/training/train_request.hpp"

namespace mano {

struct EpochReport {
  /// "base"; "refinement": errors are then the part that is left of interpolation's; "classes": they are cross-entropies.
  std::string stage;
  int epoch = 0;  ///< of the stage, from 1
  int epochs = 0;
  double train_l2 = 0.0;
  double validation_l2 = 0.0;  ///< of the averaged weights
  double learning_rate = 0.0;
  double seconds = 0.0;  ///< since the start, earlier parts of a resumed run included
  bool best = false;
  int skipped = 0;  ///< steps left out, since loss or gradient was not finite
};

struct TrainProgress {
  std::string stage;
  int epoch = 0;
  int epochs = 0;
  std::size_t samples = 0;  ///< of this epoch
  std::size_t of = 0;
  std::optional<double> seconds_left;  ///< until the stage stops on time, with --max-seconds
};

struct TrainResult {
  int processes = 1;
  int epochs = 0;  ///< of the base in the log, one that time shortened included
  double seconds = 0.0;
  std::int64_t parameters = 0;             ///< of the base network
  std::int64_t refinement_parameters = 0;  ///< 0 where none is kept
  int best_epoch = 0;
  double best_l2 = 0.0;  ///< of a whole prediction on the data's grid, held out
  /// Of the network alone on its own grid, where a prediction is more than that and the log knows it.
  std::optional<double> network_l2;
  std::optional<double> accuracy;  ///< of a classifier, on the held-out part
  double refinement_left =
      1.0;  ///< part of interpolation's error that the refinement leaves, held out; 1 where none is kept
  std::optional<double> refinement_dropped;  ///< the part that one left which was not kept
  std::string device;
  bool stopped_on_time = false;
};

struct TrainPlan {
  std::int64_t parameters = 0;
  int processes = 1;
  int samples_per_step = 0;  ///< of all processes
  double bytes = 0.0;        ///< of tensors, a process, at most; predicted
};

struct TrainCallbacks {
  std::function<void(const TrainProgress&)> progress;
  std::function<void(const EpochReport&)> epoch;
  std::function<void(const TrainPlan&)> start;   ///< before the first step
  std::function<void(const std::string&)> note;  ///< what the user should know, a line
};

/// Started by torchrun or mpirun, the processes train one model together (surrogate/training/process_group.hpp): N of them with batch b
/// take the same steps as one with batch N b. Process 0 writes.
/// Throws InvalidInput for unusable data or options or where memory does not suffice, naming the largest batch that fits;
/// RunFailed where ten steps in a row had no finite loss and gradient (on a GPU at the end of the epoch), or a process was lost (the best checkpoint stays);
/// Interrupted where a signal came (resumable).
TrainResult train(const TrainRequest& request, const TrainCallbacks& callbacks);

}  // namespace mano
