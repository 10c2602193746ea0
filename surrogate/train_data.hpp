#pragma once
// Datasets as tensors: split, normalisation, and the order of batches. Private to surrogate/.

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "datagen/dataset.hpp"
#include "surrogate/model_card.hpp"
#include "surrogate/train.hpp"

namespace mano {

struct TrainSet {  // one file
  DatasetInfo info;
  torch::Tensor input;                 // [N, 3, H, W]
  torch::Tensor pressure;              // [N, 1, H, W]
  std::vector<std::int64_t> training;  // sample numbers
  std::vector<std::int64_t> validation;
};

struct TrainData {
  std::vector<TrainSet> sets;
  ModelCard card;  // normalisation, resolutions, set-up and data filled in

  std::size_t training_samples() const;
};

/// Reads all files. The set-up, domain, location of the first holds for all. Throws InvalidInput where another differs.
TrainData load_train_data(const TrainRequest& request, torch::Device device);

struct Batch {
  std::size_t set = 0;
  torch::Tensor samples;  // int64
};

/// The batches of an epoch, each from one file, in an order that depends on (seed, epoch) alone.
std::vector<Batch> batches_of_epoch(const TrainData& data, int batch, std::uint64_t seed, int epoch);

}  // namespace mano
