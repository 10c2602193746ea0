#pragma once
// One block of the model, x = x + MultipoleAttention(x), x = x + MLP(x), as one autograd node on the CPU: matrix products by
// surrogate/kernels/gemm.hpp, everything between them by surrogate/kernels/token_kernels.hpp. The derivation of its backward pass is in docs/mano.md.
// Private to surrogate/ and its tests.

#include <torch/types.h>

#include <memory>
#include <vector>

#include "surrogate/kernels/norm.hpp"
#include "surrogate/networks/architecture.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

struct BlockWeights {
  LayerNormWeights outer_norm, inner_norm;  // both before the attention, as in the reference implementation
  torch::Tensor to_qkv;                     // [3 h d, C]
  torch::Tensor to_out, to_out_bias;        // [C, h d], [C]; undefined without an output map
  torch::Tensor down, up;                   // [C, C, rate, rate]: out, in and in, out; undefined for avg_pool
  LayerNormWeights mlp_norm;
  torch::Tensor mlp_in, mlp_in_bias;    // [mlp, C], [mlp]
  torch::Tensor mlp_out, mlp_out_bias;  // [C, mlp], [C]
  // Depthwise 3x3, of the values and in the MLP; undefined without Architecture::convolutions.
  torch::Tensor value_convolution, value_convolution_bias;  // [h d, 1, 3, 3], [h d]
  torch::Tensor mlp_convolution, mlp_convolution_bias;      // [mlp, 1, 3, 3], [mlp]
};

/// A block's weights as operands of matrix products (block_parts.hpp).
template <typename S>
struct BlockOperands;

std::shared_ptr<const BlockOperands<float>> operands_of(const BlockWeights& weights,
                                                        const Architecture& architecture);

/// x [B, H, W, C] -> [B, H, W, C]. Differentiable once, with respect to x and the weights. Kept for the backward pass: 20 C / 3
/// numbers a token where h d = C and rate = 2. `operands` of the same weights, where there are some, save making them: for calls without
/// gradients in the weights' own precision.
torch::Tensor block_forward(const torch::Tensor& x, const BlockWeights& weights,
                            const Architecture& architecture, Precision precision,
                            const BlockOperands<float>* operands = nullptr);

}  // namespace mano
