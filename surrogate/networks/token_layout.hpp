#pragma once
// Tokens [B, H, W, C] from points and back, in windows and back, and convolved: rearrangements that networks share. Private to
// surrogate/networks/.

#include <torch/types.h>

namespace mano {

/// [B, C, height, width] continued by its last row and column to multiples of p; itself where p divides both.
torch::Tensor whole_patches(const torch::Tensor& x, int64_t p);
/// [B, h, w, C p p] -> [B, C, height, width], what lies beyond cut off.
torch::Tensor from_patches(const torch::Tensor& tokens, int64_t p, int64_t height, int64_t width);

/// [B, H, W, C] -> [B windows, K K, C], and back. K divides H and W.
torch::Tensor to_windows(const torch::Tensor& tokens, int64_t k);
torch::Tensor from_windows(const torch::Tensor& windows, int64_t k, int64_t batch, int64_t height,
                           int64_t width);

/// Each channel of [B, H, W, C] convolved with its own odd kernel of weight [C, 1, K, K]; zeros beyond the border.
torch::Tensor depthwise(const torch::Tensor& tokens, const torch::Tensor& weight, const torch::Tensor& bias);

}  // namespace mano
