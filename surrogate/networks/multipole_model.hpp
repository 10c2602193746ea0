#pragma once
// MANO as weights and a function (arXiv 2507.02748; equations in docs/mano.md). Private to surrogate/ and its tests.

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "surrogate/networks/architecture.hpp"
#include "surrogate/networks/block.hpp"
#include "surrogate/networks/network.hpp"
#include "surrogate/networks/point_head.hpp"

namespace mano {

struct ModelWeights {
  torch::Tensor linear_p, linear_p_bias;  // [C, channels_in patch^2], [C]
  std::vector<BlockWeights> blocks;
  LayerNormWeights norm;
  // The head: of tokens, or of points (Architecture::point_width).
  torch::Tensor linear_q, linear_q_bias;  // [C, C], [C]
  torch::Tensor output, output_bias;      // [channels_out patch^2, C], [channels_out patch^2]
  PointHead points;
};

class MultipoleModel : public Network {
 public:
  /// Fresh weights, drawn as PyTorch draws them for these layers, from `seed`; float32 on the CPU.
  MultipoleModel(const Architecture& architecture, std::uint64_t seed);

  const Architecture& architecture() const { return architecture_; }
  const ModelWeights& weights() const { return weights_; }

  /// input [B, channels_in, H, W] -> [B, channels_out, H, W].
  torch::Tensor forward(const torch::Tensor& input, Precision precision = Precision::full) const override;

  torch::Tensor point_features(const torch::Tensor& input,
                               Precision precision = Precision::full) const override;
  torch::Tensor from_point_features(const torch::Tensor& features, const torch::Tensor& input) const override;

  /// On the CPU too, the operators that a GPU gets, in place of the block's own loops: for tests of that path.
  bool operators_on_cpu = false;

  std::vector<std::pair<std::string, torch::Tensor>> named_parameters() const override;
  void to(torch::Device device, torch::Dtype dtype) override;
  void freeze() override;
  torch::Dtype dtype() const override { return weights_.linear_p.scalar_type(); }

 private:
  void put_parameters(const std::vector<torch::Tensor>& tensors) override;
  torch::Tensor normed_tokens(const torch::Tensor& input, Precision precision) const;
  torch::Tensor local_attention(const BlockWeights& block, const torch::Tensor& tokens) const;
  torch::Tensor multipole_attention(const BlockWeights& block, const torch::Tensor& tokens) const;
  template <typename Visit>
  void for_each_parameter(Visit visit);

  Architecture architecture_;
  ModelWeights weights_;
  std::vector<std::shared_ptr<const BlockOperands<float>>> frozen_;  // a block; none unless frozen
};

/// Level l+1 from level l: blocks of rate x rate tokens, [B, H, W, C] -> [B, ceil(H/rate), ceil(W/rate), C]. Where rate
/// does not divide H or W, the last row or column is repeated first. Undefined weight: average.
torch::Tensor sample_down(const torch::Tensor& tokens, const torch::Tensor& weight, int rate);

/// The way back, cropped to height x width. Undefined weight: nearest.
torch::Tensor sample_up(const torch::Tensor& tokens, const torch::Tensor& weight, int rate, int64_t height,
                        int64_t width);

}  // namespace mano
