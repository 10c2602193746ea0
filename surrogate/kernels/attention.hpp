#pragma once
// Overlapping-window attention once a token, differentiable, on the CPU (surrogate/kernels/token_kernels.hpp) or a GPU
// (surrogate/kernels/cuda_attention.hpp). Private to surrogate/ and its tests.
//
// For a token t and a head, with n_t the number of windows that hold t:
//   o_t = sum_j c_tj v_j,   c_tj = (1 / n_t) sum over windows w that hold t and j of softmax_w(q_t k / sqrt(d))_j
// j runs over the (2K-1) x (2K-1) neighbours of t, so no unfolded copy of the tokens is made (docs/mano.md).

#include <torch/types.h>

namespace mano {

/// qkv [B, H, W, 3, h, d], result [B, H, W, h, d], of the same type: float32, float64 (CPU) or bfloat16. H, W >= window.
torch::Tensor overlapping_attention(const torch::Tensor& qkv, int window, int stride);

/// 1 where a window holds the token, else 0: [H, W, 1].
torch::Tensor covered_tokens(int height, int width, int window, int stride,
                             const torch::TensorOptions& options);

}  // namespace mano
