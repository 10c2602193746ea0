#pragma once

#include "core/host_device.hpp"

namespace mano {

inline constexpr int kMostWindow = 16;
inline constexpr int kMostDimHead = 1024;

/// Tokens [B, H, W, h, d]; every window x window square of them whose origin is a multiple of the stride attends within
/// itself. H, W >= window.
struct AttentionShape {
  int batch, height, width, heads, dim_head, window, stride;
};

/// Along one side of `size`: whether the window that begins `a` tokens before `token` is one. Static, so that every instruction
/// set has its own.
MANO_BOTH static inline bool window_exists(int token, int a, int size, int window, int stride) {
  const int origin = token - a;
  return origin >= 0 && origin % stride == 0 && origin + window <= size;
}

}  // namespace mano
