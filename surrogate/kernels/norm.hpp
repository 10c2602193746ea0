#pragma once
// Layer norms with gradients: LibTorch's, or on a GPU, for rows that there is one for, by a kernel of surrogate/kernels/cuda_norm.hpp.
// Private to surrogate/ and its tests.

#include <torch/types.h>

namespace mano {

struct LayerNormWeights {
  torch::Tensor weight, bias;  // [C]
};

/// Of x [..., C], of `second` of `first` where there is a second. On a GPU that multiplies in bfloat16 (autocast) the result is in
/// bfloat16, ready for the next product.
torch::Tensor layer_norms(const torch::Tensor& x, const LayerNormWeights& first,
                          const LayerNormWeights* second = nullptr);

}  // namespace mano
