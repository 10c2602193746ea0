#pragma once
// Fields to network input and network output to fields. Private to surrogate/.

#include <torch/types.h>

#include <vector>

#include "surrogate/checkpoint/model_card.hpp"

namespace mano {

/// [N, 1, H, W] float32 of the fields' values.
torch::Tensor stack_values(const std::vector<Field>& fields);

/// Network input [N, 3, H, W] from permeabilities [N, 1, H, W] on `grid`, of their type: normalised ln k, x / lx, y / ly. Where the card takes inactive
/// cells, [N, 4, H, W]: in cells of permeability 0 the first is 0 (for MAT, which reads no missing cell, not a number) and the last 0,
/// elsewhere 1.
torch::Tensor network_input(const torch::Tensor& permeability, const Grid& grid, const ModelCard& card);

inline torch::Tensor denormalized(const torch::Tensor& output, const Normalization& n) {
  return output * n.std_pressure + n.mean_pressure;
}

/// One sample of values [N, 1, H, W] as a field.
Field field_of(const torch::Tensor& values, std::int64_t sample, const Grid& grid);

/// |a - b| / |b| a sample: [N].
torch::Tensor relative_l2(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace mano
