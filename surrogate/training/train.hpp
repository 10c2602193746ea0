#pragma once
// Trains a surrogate on datasets, in two stages: the base network to the pressures, on the data's grid or a coarser one, then the refinement of the ladder of grids
// (docs/mano.md). Relative L2 loss, AdamW, warm-up and cosine decay, gradient clipping, an average of the weights over the last
// steps, a held-out part for the best checkpoint.
//
// RUN/ holds
//   model.safetensors   weights of the best epoch so far, with the model card
//   state.safetensors   weights, optimiser and counters of the last finished epoch, for resuming
//   log.jsonl           a line of JSON an epoch
// Each appears by rename. On a CPU a resumed run equals an uninterrupted one bit for bit: the order of the data is a
// function of (seed, epoch), and so are reflections and all else that is random after initialisation.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datagen/dataset.hpp"
#include "surrogate/networks/architecture.hpp"

namespace mano {

struct TrainRequest;

/// Samples that are made as training goes on, others in each epoch, in place of files. The base network is trained on all of them, the
/// refinement on those of the first epoch.
struct FreshSamples {
  DatasetInfo info;  ///< samples: of an epoch
  /// Samples number first ... first + n - 1, [n, ny, nx] each; called by one thread at a time, not always the same.
  std::function<void(std::uint64_t first, int n, double* permeability, double* pressure)> make;
  std::size_t held_out(const TrainRequest& request) const;  ///< numbers below are held out
};

struct TrainRequest {
  std::vector<std::filesystem::path> data;
  std::optional<FreshSamples> fresh;
  std::filesystem::path run;
  Architecture architecture;
  Architecture refinement_architecture = architecture_preset("refinement");
  int epochs = 60;
  int batch = 8;          ///< samples of a process at once
  int accumulate = 1;     ///< batches that a step adds up
  bool bfloat16 = false;  ///< operands of matrix products in bfloat16; weights, sums and optimiser in float32
  double learning_rate = 4e-3;  ///< at its peak
  double weight_decay = 1e-4;
  double warm_up = 0.05;            ///< fraction of the steps with a rising learning rate
  double gradient_clip = 1.0;       ///< bound on the gradient's 2-norm
  double held_out = 0.05;           ///< fraction of every dataset that is not trained on
  bool symmetry = true;             ///< train on reflected fields too, where the set-up allows
  std::string refinement = "auto";  ///< of the ladder of grids: auto, residual, approximate or none
  int sweeps =
      0;  ///< of the refinement that a step unrolls, see ModelCard; 0: three where the equation is known, else one
  int refine_epochs = 20;  ///< of the refinement, after the base
  int climbs = 0;          ///< of the ladder; 0: four where the equation is known, else one
  int coarsening =
      0;  ///< of the network's grid against the data's; 0: where the equation is known the largest
          ///< power of two that leaves 16 points in each direction, else one
  std::uint64_t seed = 0;
  std::string device = "auto";
  bool own_norms = false;  ///< on a GPU layer norms by kernels of our own (surrogate/kernels/norm.hpp)
  bool graphs =
      true;  ///< on a GPU a step is recorded once and replayed, in place of launching its kernels one by one
  bool data_on_host = false;  ///< keep the data in the host's memory even where a GPU's own has room for them
  std::optional<double> max_seconds;  ///< of the whole training; the learning rate falls to zero within them
  bool resume = false;
  bool overwrite = false;
};

inline std::size_t FreshSamples::held_out(const TrainRequest& request) const {
  return std::max<std::size_t>(1, std::llround(request.held_out * static_cast<double>(info.samples)));
}

struct EpochReport {
  std::string stage;  ///< "base", or "refinement": errors are then the part that is left of interpolation's
  int epoch = 0;      ///< of the stage, from 1
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
};

struct TrainResult {
  int processes = 1;
  int epochs = 0;
  double seconds = 0.0;
  std::int64_t parameters = 0;             ///< of the base network
  std::int64_t refinement_parameters = 0;  ///< 0 where none is kept
  int best_epoch = 0;
  double best_l2 = 0.0;
  double refinement_left =
      1.0;  ///< part of interpolation's error that the refinement leaves, held out; 1 where none is kept
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
  std::function<void(const TrainPlan&)> start;  ///< before the first step
};

/// Bytes of tensors that training needs at once, on the CPU, for one process: weights, their gradients and moments, data, and
/// what a batch keeps for the backward pass.
double training_bytes(const Architecture& architecture, std::int64_t parameters, const Resolution& resolution,
                      std::size_t samples, int batch, bool bfloat16);

/// Started by torchrun or mpirun, the processes train one model together (surrogate/training/process_group.hpp): N of them with batch b
/// take the same steps as one with batch N b. Process 0 writes.
/// Throws InvalidInput for unusable data or options or where memory does not suffice, naming the largest batch that fits;
/// RunFailed where ten steps in a row had no finite loss and gradient (on a GPU at the end of the epoch), or a process was lost (the best checkpoint stays);
/// Interrupted where a signal came (resumable).
TrainResult train(const TrainRequest& request, const TrainCallbacks& callbacks);

}  // namespace mano
