#pragma once
// What a training needs of memory, before its first step. Private to surrogate/.

#include <cstdint>
#include <vector>

#include "surrogate/networks/network.hpp"
#include "surrogate/training/train_data.hpp"

namespace mano {

/// Bytes of tensors that training needs at once, on the CPU, for one process: weights, their gradients and moments, data, and
/// what a batch keeps for the backward pass.
double training_bytes(const Architecture& architecture, std::int64_t parameters, const Resolution& resolution,
                      std::size_t samples, int batch, bool bfloat16);

struct TrainingBytes {
  double fixed = 0.0;
  double per_sample = 0.0;  ///< of a batch
};

/// Of each stage on one dataset: the network `base` on its grid, and, where `steps` is above zero, the refinement unrolled as often.
/// A rival's need is measured: a step of one and of two samples.
std::vector<TrainingBytes> stage_bytes(const TrainRequest& request, const ModelCard& card,
                                       const Network& base, const TrainSet& set, int steps);

struct MemoryNeed {
  double most = 0.0;               ///< bytes, of the stage that needs most
  std::int64_t largest_batch = 0;  ///< that fits into the memory that is free now, at most the one asked for
};
MemoryNeed memory_need(const std::vector<TrainingBytes>& stages, int batch);

}  // namespace mano
