#pragma once
// Layer norms with gradients: on a GPU by surrogate/cuda_norm.hpp where it has a kernel, else by LibTorch. Private to surrogate/ and its
// tests.

#include <torch/types.h>

#include "surrogate/block.hpp"

namespace mano {

/// Of x [..., C], of `second` of `first` where there is a second. On a GPU that multiplies in bfloat16 (autocast) the result is in
/// bfloat16, ready for the next product.
torch::Tensor layer_norms(const torch::Tensor& x, const LayerNormWeights& first,
                          const LayerNormWeights* second = nullptr);

}  // namespace mano
