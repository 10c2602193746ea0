#pragma once
// The skeleton of the networks with levels of half the resolution each: an encoder, which every network of this kind writes for itself; a
// decoder that doubles the resolution level by level and joins what the encoder had there; and the layers that they share. Private to
// surrogate/networks/ and its tests.

#include "surrogate/networks/parameter_list.hpp"

namespace mano {

class EncoderDecoder : public ParameterList {
 public:
  /// The last row and column continue a grid that the coarsest level's cells do not divide; the result is cut to the grid.
  torch::Tensor forward(const torch::Tensor& input, Precision precision = Precision::full) const override;

 protected:
  enum class Normalisation {
    groups,  ///< of 8 channels, over the whole map
    cells    ///< over the channels of each cell: nothing passes from cell to cell
  };

  /// `levels` below the finest, whose cells are patch x patch points. Level l has dim 2^l channels.
  EncoderDecoder(const Architecture& architecture, int levels, int patch, Normalisation normalisation,
                 std::uint64_t seed);

  struct Size {
    int64_t height, width;
  };
  /// The feature maps [B, dim 2^l, H / 2^l, W / 2^l] of all levels, finest first. `grid` is the input's size before it was continued.
  virtual std::vector<torch::Tensor> encode(const torch::Tensor& input, Size grid) const = 0;

  /// What the decoder joins on a level: of the encoder's map and its own, both with the level's channels.
  virtual torch::Tensor joined(int level, const torch::Tensor& encoded, const torch::Tensor& decoded) const;

  /// The parameters of the decoder, to be called once those of the encoder are made.
  void add_decoder();

  int levels() const { return levels_; }
  int width(int level) const { return a_.dim << level; }

  /// Of 3x3 convolutions. groups: twice convolution, normalisation, GELU. cells: y + conv2 GELU(LN y), y = conv1 x: where a cell has few
  /// channels, a norm of all that passes would keep their direction and lose their size.
  struct Convolutions {
    Linear first, second;
    Norm first_norm, second_norm;
    int groups = 0;  ///< 0: Normalisation::cells, without second_norm
    torch::Tensor operator()(const torch::Tensor& x) const;
  };
  Convolutions two_convolutions(const std::string& name, int in, int out);

  /// LayerNorm over the channels of each cell of [B, C, H, W].
  static torch::Tensor cell_norm(const Norm& norm, const torch::Tensor& x);

  /// x + W2 GELU(W1 LN(x)) of [..., C]: every token by itself.
  struct TokenMlp {
    Norm norm;
    Linear in, out;
    torch::Tensor operator()(const torch::Tensor& x) const;
  };
  TokenMlp token_mlp(const std::string& norm_name, const std::string& name, int channels, int hidden);

  /// x + Wo softmax(q k^T / sqrt(d) + bias) v of [B, tokens, C], (q, k, v) = Wqkv LN(x); bias broadcasts to [B, heads, tokens, keys].
  struct SelfAttention {
    Norm norm;
    Linear qkv, out;
    int heads = 1;
    torch::Tensor operator()(const torch::Tensor& x, const std::optional<torch::Tensor>& bias = {}) const;
  };
  SelfAttention self_attention(const std::string& norm_name, const std::string& name, int channels,
                               int heads);

  Architecture a_;

 private:
  struct Up {
    Linear expand;  ///< of a transposed convolution: [in, out, 2, 2]
    Convolutions convolutions;
  };

  int levels_, patch_;
  Normalisation normalisation_;
  std::vector<Up> up_;  // coarsest first
  Linear out_;
};

}  // namespace mano
