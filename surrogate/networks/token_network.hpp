#pragma once
// The skeleton of the networks that work on tokens: a lift of patches, blocks, a norm, a head that maps back from every patch. A network
// of this kind is one file that says what a block is. Private to surrogate/networks/ and its tests.

#include "surrogate/networks/parameter_list.hpp"
#include "surrogate/networks/point_head.hpp"

namespace mano {

class TokenNetwork : public ParameterList {
 public:
  TokenNetwork(const Architecture& architecture, std::uint64_t seed);

  /// A grid that patches do not divide is continued by its last row and column and the result cut, but by ViT and Swin refused, as
  /// published.
  torch::Tensor forward(const torch::Tensor& input, Precision precision = Precision::full) const override;

  torch::Tensor point_features(const torch::Tensor& input,
                               Precision precision = Precision::full) const override;
  torch::Tensor from_point_features(const torch::Tensor& features, const torch::Tensor& input) const override;

  /// softmax(q k^T / sqrt(d) + bias) v of [N, tokens, C] each, in `heads` heads; bias broadcasts to [N, heads, tokens, keys].
  static torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                                 int64_t heads, const std::optional<torch::Tensor>& bias = {});

 protected:
  /// What the lift may read of the input, continued to whole patches.
  virtual torch::Tensor readable(const torch::Tensor& input) const { return input; }
  /// Before the first block, of tokens [B, h, w, C].
  virtual torch::Tensor with_positions(const torch::Tensor& tokens) const { return tokens; }
  /// Block n of [B, h, w, C], residual connections included.
  virtual torch::Tensor block(std::size_t n, const torch::Tensor& x) const = 0;
  /// All blocks; a network whose blocks hand on more than tokens has its own.
  virtual torch::Tensor blocks(torch::Tensor x, const torch::Tensor& input) const;
  /// The parameters after those of the blocks, to be called once these are made.
  void add_head();

  /// Two linear maps with GELU between: Mlp of most transformers.
  struct Mlp {
    Linear in, out;
    torch::Tensor operator()(const torch::Tensor& x) const;
  };
  Mlp mlp(const std::string& name);  ///< C -> mlp -> C, under NAME.fc1 and NAME.fc2

  /// Of surrogate/networks/token_layout.hpp.
  static torch::Tensor depthwise(const Linear& kernels, const torch::Tensor& x);

  Architecture a_;

 private:
  torch::Tensor normed_tokens(const torch::Tensor& input) const;
  PointHead point_head() const;

  Linear embed_, head_;
  Linear point_token_, point_input_, point_output_;  // in place of head_, where Architecture::point_width > 0
  Norm norm_;
};

}  // namespace mano
