#pragma once
// What a training is asked for; its defaults are those of `mano train`. No Torch here.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datagen/dataset.hpp"
#include "surrogate/multigrid/history_guess.hpp"
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

/// What is known of a displacement before a network looks at it (displacement/first_guess.hpp).
struct KnownBefore {
  HistoryGuess guess;  ///< at the times of the dataset
  Field outflow;       ///< of each cell to the outside, its part of all
};
/// Of one sample of a dataset.
using FirstGuesses = std::function<KnownBefore(const DatasetInfo&, const Sample&)>;

/// adamw alone, or muon for weights that are matrices and adamw for the rest (surrogate/training/muon.hpp).
enum class OptimizerKind { muon, adamw };

struct TrainRequest {
  std::vector<std::filesystem::path> data;
  FirstGuesses first_guess;  ///< needed where the data are displacements
  std::optional<FreshSamples> fresh;
  std::filesystem::path run;
  Architecture architecture;
  bool classify =
      false;  ///< learn which generator drew a field, in place of pressures; every dataset is a class
  Architecture refinement_architecture = architecture_preset("refinement");
  int epochs = 60;
  int batch = 8;          ///< samples of a process at once
  int accumulate = 1;     ///< batches that a step adds up
  bool bfloat16 = false;  ///< operands of matrix products in bfloat16; weights, sums and optimiser in float32
  OptimizerKind optimizer = OptimizerKind::muon;
  std::optional<double> learning_rate;  ///< at its peak; empty: 1e-2 with muon, 4e-3 with adamw
  std::optional<double> weight_decay;   ///< empty: 0.03 with muon, 1e-4 with adamw
  double warm_up = 0.05;                ///< fraction of the steps with a rising learning rate
  double gradient_clip = 1.0;           ///< bound on the gradient's 2-norm
  double held_out = 0.05;               ///< fraction of every dataset that is not trained on
  bool symmetry = true;                 ///< train on reflected fields too, where the problem allows
  bool exchange =
      false;  ///< of data whose problem is unknown: exchanging x and y gives a solution again; train on both
  std::string refinement = "auto";  ///< of the hierarchy of grids: auto, residual, approximate or none
  int correction_steps =
      0;  ///< of the refinement that a step unrolls, see ModelCard; 0: three where the equation is known, else one
  int refine_epochs = 20;  ///< of the refinement, after the base
  int cycles = 0;          ///< of the hierarchy; 0: four where the equation is known, else one
  int coarsening =
      0;  ///< of the network's grid against the data's; 0: where the equation is known the largest
          ///< power of two that leaves 16 points in each direction, else one
  std::uint64_t seed = 0;
  std::string device = "auto";
  bool graphs =
      true;  ///< on a GPU a step is recorded once and replayed, in place of launching its kernels one by one
  bool data_on_host = false;  ///< keep the data in the host's memory even where a GPU's own has room for them
  std::optional<double> max_seconds;  ///< of the whole training; the learning rate falls to zero within them
  bool resume = false;
  bool overwrite = false;
};

inline double learning_rate(const TrainRequest& r) {
  return r.learning_rate.value_or(r.optimizer == OptimizerKind::muon ? 1e-2 : 4e-3);
}

inline double weight_decay(const TrainRequest& r) {
  return r.weight_decay.value_or(r.optimizer == OptimizerKind::muon ? 0.03 : 1e-4);
}

inline std::size_t FreshSamples::held_out(const TrainRequest& request) const {
  return std::max<std::size_t>(1, std::llround(request.held_out * static_cast<double>(info.samples)));
}

}  // namespace mano
