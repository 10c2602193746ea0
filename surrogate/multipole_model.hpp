#pragma once
// MANO as weights and a function (arXiv 2507.02748; equations in docs/mano.md). Private to surrogate/ and its tests.

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "surrogate/architecture.hpp"

namespace mano {

struct LayerNormWeights {
  torch::Tensor weight, bias;  // [C]
};

struct BlockWeights {
  LayerNormWeights outer_norm, inner_norm;  // both before the attention, as in the reference implementation
  torch::Tensor to_qkv;                     // [3 h d, C]
  torch::Tensor to_out, to_out_bias;        // [C, h d], [C]; undefined without an output map
  torch::Tensor down, up;                   // [C, C, rate, rate]: out, in and in, out; undefined for avg_pool
  LayerNormWeights mlp_norm;
  torch::Tensor mlp_in, mlp_in_bias;    // [mlp, C], [mlp]
  torch::Tensor mlp_out, mlp_out_bias;  // [C, mlp], [C]
};

class MultipoleModel {
 public:
  /// Fresh weights, drawn as PyTorch draws them for these layers, from `seed`; float32 on the CPU.
  MultipoleModel(const Architecture& architecture, std::uint64_t seed);

  const Architecture& architecture() const { return architecture_; }

  /// input [B, channels_in, H, W] -> [B, channels_out, H, W].
  torch::Tensor forward(const torch::Tensor& input) const;

  /// Parameters under the names of the reference implementation, always in the same order. The tensors are the model's.
  std::vector<std::pair<std::string, torch::Tensor>> named_parameters() const;
  std::vector<torch::Tensor> parameters() const;
  std::int64_t parameter_count() const;

  /// Moves and converts all parameters; they stay leaves that require gradients.
  void to(torch::Device device, torch::Dtype dtype);

 private:
  torch::Tensor local_attention(const BlockWeights& block, const torch::Tensor& tokens) const;
  torch::Tensor multipole_attention(const BlockWeights& block, const torch::Tensor& tokens) const;
  template <typename Visit>
  void for_each_parameter(Visit visit);

  Architecture architecture_;
  torch::Tensor linear_p_, linear_p_bias_;  // [C, channels_in], [C]
  std::vector<BlockWeights> blocks_;
  LayerNormWeights norm_;
  torch::Tensor linear_q_, linear_q_bias_;  // [C, C], [C]
  torch::Tensor output_, output_bias_;      // [channels_out, C], [channels_out]
};

/// Level l+1 from level l: blocks of rate x rate tokens, [B, H, W, C] -> [B, ceil(H/rate), ceil(W/rate), C]. Where rate
/// does not divide H or W, the last row or column is repeated first. Undefined weight: average.
torch::Tensor sample_down(const torch::Tensor& tokens, const torch::Tensor& weight, int rate);

/// The way back, cropped to height x width. Undefined weight: nearest.
torch::Tensor sample_up(const torch::Tensor& tokens, const torch::Tensor& weight, int rate, int64_t height,
                        int64_t width);

}  // namespace mano
