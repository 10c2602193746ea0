#pragma once
// Datasets as tensors: split, normalisation, and the order of batches. Private to surrogate/.

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "datagen/dataset.hpp"
#include "surrogate/model_card.hpp"
#include "surrogate/train.hpp"

namespace mano {

struct Split {  // sample numbers
  std::vector<std::int64_t> training;
  std::vector<std::int64_t> validation;
};

struct TrainSet {  // one file
  DatasetInfo info;
  torch::Tensor permeability;  // [N, 1, H, W] float32, on the device
  torch::Tensor pressure;      // [N, 1, H, W]
  Split split;
};

struct TrainData {
  std::vector<TrainSet> sets;
  ModelCard card;  // normalisation, resolutions, set-up and data filled in
};

/// Reads all files. The set-up, domain, location of the first holds for all. Throws InvalidInput where another differs.
TrainData load_train_data(const TrainRequest& request, torch::Device device);

struct Batch {
  std::size_t set = 0;
  torch::Tensor samples;  // int64
};

/// The batches of an epoch, each from one part, in an order that depends on (seed, epoch) alone.
std::vector<Batch> batches_of_epoch(const std::vector<Split>& parts, int batch, std::uint64_t seed,
                                    int epoch);

/// 64 well-mixed bits of a number (the finaliser of splitmix64).
inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace mano
