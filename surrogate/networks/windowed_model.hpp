#pragma once
// The same network as its paper writes it: every window's tokens copied out, attention within each copy, the copies folded
// back. The rival of `mano benchmark`, and the oracle of its tests. And the same blocks with attention of every token to every
// other, for the picture of how cost grows. Private to surrogate/ and its tests.

#include <torch/types.h>

#include "surrogate/networks/multipole_model.hpp"

namespace mano {

/// input [B, channels_in, H, W] -> [B, channels_out, H, W]. The rate must divide the sizes of all levels but the coarsest.
torch::Tensor windowed_forward(const MultipoleModel& model, const torch::Tensor& input);

/// One level, one window as large as the grid.
torch::Tensor dense_forward(const MultipoleModel& model, const torch::Tensor& input);

}  // namespace mano
