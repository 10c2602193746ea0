#pragma once
// What the attention gates of TransDepth (arXiv 2103.12091) are made of. Private to surrogate/ and its tests.

#include <torch/types.h>

namespace mano {

/// A filter of its own for every cell: sum over the 3x3 taps n of kernel_n(p) x(p + dilation o_n), x zero outside the grid. kernel
/// [B, 9, H, W], taps row by row, the same for all channels; x [B, C, H, W].
torch::Tensor dynamic_filter(const torch::Tensor& kernel, const torch::Tensor& x, int64_t dilation);

/// Structured attention of rank R: sum over i of sigma(sum over c of a_ic x_c) a_ic x, of x [B, C, H, W] and a [R, C].
torch::Tensor structured_attention(const torch::Tensor& x, const torch::Tensor& a);

}  // namespace mano
