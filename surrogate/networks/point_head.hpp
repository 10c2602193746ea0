#pragma once
// The head of a network that has many numbers to say of every point, such as a displacement at many times (Architecture::point_width).
// A token tells each of its p x p points m numbers, and every point adds what its own inputs say before the last map:
//
//   f = U_i t                      the features of point i of token t, without regard to the point's inputs
//   out = O gelu(f + V x) + o      x: the network's inputs at the point
//
// A linear head has to press all points and times of a patch through the C numbers of a token, and what the point's own inputs say with
// it. Features can be interpolated to a finer grid and read there with its own inputs (surrogate/multigrid/history_model.hpp). Private to
// surrogate/networks/ and its tests.

#include <torch/types.h>

#include <cstdint>
#include <functional>

namespace mano {

struct PointHead {
  torch::Tensor token, token_bias;    ///< U [p p m, C], in the order of rows, columns, numbers; [p p m]
  torch::Tensor input;                ///< V [m, channels_in]
  torch::Tensor output, output_bias;  ///< O [channels_out, m], o [channels_out]

  /// tokens [B, h, w, C] -> f [B, m, height, width], channels last in memory; what lies beyond is cut off.
  torch::Tensor features(const torch::Tensor& tokens, int64_t p, int64_t height, int64_t width) const;
  /// f and the inputs of the same grid [B, channels_in, H, W] -> [B, channels_out, H, W].
  torch::Tensor outputs(const torch::Tensor& features, const torch::Tensor& inputs) const;

  /// of_rows(first, last) of all rows of `inputs` [B, C, H, W], put together. On a CPU without gradients some rows at a time, whose
  /// features stay in a core's cache: half the time.
  static torch::Tensor in_bands(
      const torch::Tensor& inputs,
      const std::function<torch::Tensor(std::int64_t first, std::int64_t last)>& of_rows);
  static std::int64_t band_rows(const torch::Tensor& inputs);  ///< so many of these at a time
};

}  // namespace mano
