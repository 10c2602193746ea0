#pragma once
// Forward and backward pass of one block on the CPU (surrogate/networks/block.hpp; equations in docs/mano.md). Matrix products and what
// lies between them are done a piece of the grid at a time, each piece by one thread from the first operation of a chain to the
// last, so that what lies between stays in its cache and threads meet only where neighbours or levels do. Private to
// surrogate/.

#include "surrogate/networks/block_parts.hpp"

namespace mano {

/// What the backward pass needs besides x and the weights; numbers a token of level 0, for C = h d = mlp and rate 2.
struct Saved {
  torch::Tensor coarse;    ///< z_1 ..., of sums' type: C / 3
  torch::Tensor qkv;       ///< of all levels: 4 C
  torch::Tensor from_up;   ///< r_1 ..., as operands of up: C / 3
  torch::Tensor attended;  ///< x after the attention: C
  torch::Tensor hidden;    ///< of the MLP before its convolution: C; undefined without one
};

/// x and the result [tokens of level 0, C].
template <typename S>
torch::Tensor forward_pass(const BlockParts<S>& block, const torch::Tensor& x, Saved& saved);
/// The gradient of x from that of the result; those of the weights in `gradients`.
template <typename S>
torch::Tensor backward_pass(const BlockParts<S>& block, const torch::Tensor& x, const Saved& saved,
                            const torch::Tensor& d_out, BlockWeights& gradients);

}  // namespace mano
