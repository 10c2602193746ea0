#pragma once

namespace mano {

inline constexpr int kMostWindow = 16;
inline constexpr int kMostDimHead = 1024;

/// Tokens [B, H, W, h, d]; every window x window square of them whose origin is a multiple of the stride attends within
/// itself. H, W >= window.
struct AttentionShape {
  int batch, height, width, heads, dim_head, window, stride;
};

}  // namespace mano
