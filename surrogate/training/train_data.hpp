#pragma once
// Datasets as tensors: split, normalisation, and the order of batches. Private to surrogate/.

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "datagen/dataset.hpp"
#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/training/fresh_data.hpp"
#include "surrogate/training/split.hpp"
#include "surrogate/training/train_request.hpp"

namespace mano {

/// Of a file's memory at most, in training: its fields and the refinement's pairs of grids.
inline constexpr double kBytesAPoint = 140.0;

struct TrainSet {  // one file
  DatasetInfo info;
  torch::Tensor
      permeability;  // [N, 1, H, W] float32, on TrainData::storage; 0 in inactive cells, as is the pressure
  torch::Tensor pressure;     // [N, 1, H, W]; of a displacement [N, T, H, W], as are
  torch::Tensor saturation;   // this; undefined where the flow is steady
  torch::Tensor first_guess;  // [N, T + 1, H, W], as surrogate/multigrid/history_model.hpp has it
  torch::Tensor outflow;      // [N, 1, H, W], of a displacement: KnownBefore::outflow
  Split split;
};

struct TrainData {
  std::vector<TrainSet> sets;
  ModelCard card;                       // normalisation, resolutions, problem and data filled in
  torch::Device storage = torch::kCPU;  // where the tensors lie
  std::shared_ptr<FreshData>
      fresh;  // null where the data are files; the one set holds the held-out part, then an epoch
  bool has_inactive() const {
    return std::any_of(sets.begin(), sets.end(), [](const TrainSet& set) { return set.info.has_inactive; });
  }
};

/// Reads all files, into the memory of a GPU where all that training keeps of them fits there, else into the host's. The problem,
/// domain, location of the first holds for all. Throws InvalidInput where another differs.
TrainData load_train_data(const TrainRequest& request, torch::Device device);

/// The permeability of a set on another grid of its domain, restricted; and the pressure there: solved on that permeability,
/// or restricted too where the card does not know the equation. At the set's own resolution what it holds.
torch::Tensor permeability_at(const TrainSet& set, const Resolution& resolution, const ModelCard& card);
torch::Tensor pressure_at(const TrainSet& set, const Resolution& resolution, const ModelCard& card);

/// body(samples of `whole` [N, ...], number of the first) on some samples at a time, joined again.
torch::Tensor in_parts(const torch::Tensor& whole,
                       const std::function<torch::Tensor(const torch::Tensor&, std::int64_t)>& body);

struct Batch {
  std::size_t set = 0;
  torch::Tensor samples;  // int64
};

/// The batches of an epoch, each from one part, in an order that depends on (seed, epoch) alone.
/// Their numbers lie on `device`, brought there at once.
std::vector<Batch> batches_of_epoch(const std::vector<Split>& parts, int batch, std::uint64_t seed, int epoch,
                                    torch::Device device = torch::kCPU);

/// Samples `index` of `whole` on `device`. Where that is a GPU and `whole` lies in the host's memory, so must `index`; they cross in
/// pinned memory while the GPU works on what it was given before.
torch::Tensor take(const torch::Tensor& whole, const torch::Tensor& index, torch::Device device);

/// 64 well-mixed bits of a number (the finaliser of splitmix64).
inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace mano
