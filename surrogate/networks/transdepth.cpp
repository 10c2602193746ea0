// TransDepth, "Transformer-Based Attention Networks for Continuous Pixel-Wise Prediction", G. Yang et al., arXiv 2103.12091: convolutions
// that halve the resolution, attention among all cells of the coarsest level, where it is cheap, and a decoder whose skip connections pass
// through attention gates.
//   encoder   on levels 0, 1, 2 the residual block x + conv(GELU(LN(conv(GELU(LN x))))), strided convolutions to the next level
//   level 3   `depth` transformer layers x = x + Attention(LN x), x = x + MLP(LN x), and a norm
//   gate      of the encoder's map s (the sender) and the decoder's r (the receiver), with 3x3 convolutions of each dilation t
//             K = conv([s; r]), Ks = conv(s), Kr = conv(r)      9 taps a cell, for all channels
//             A = r F(K, s) + F(Ks, s) + F(Kr, r)               F(K, x)(p) = sum over n of K_n(p) x(p + t o_n): dynamic_filter.hpp
//             A' = sum over i <= 3 of sigma(sum over c of a_ic A_c) a_ic A,    M_t = A' F(K, s)
//             message = ReLU(conv1x1([M_1; M_2; M_4]))
//   decoder   a U-Net's (encoder_decoder.hpp): two convolutions of [s + message; r]
// The paper's encoder is a ResNet-50 with ViT-B, its decoder that of BTS with heads for local planes; those are for photographs. Other
// differences:
//   - A gate on every level, from the encoder's map of the level to the decoder's. Published: one gate at 1/8 of the resolution, whose
//     senders are three levels, while the other skip connections are plain; hence s + message.
//   - a is learned, a softmax over channels. The published code draws it anew at every call: one input, many outputs.
//   - Dilations 1, 2, 4 in place of 1, 4, 8 on one map of 52x68: every level has its own here, and a level's cells double.
//   - Layer norm over the channels of a cell instead of group and batch normalisation: norms over the map would couple all cells, and the
//     attention would not be what does. Weights are not standardised, no dropout.
// No positions, as in the published code; x and y are inputs. The last row and column continue a grid that 8 cells do not divide; every
// cell of the coarsest level then holds some of the grid.
//
// Cost O(N C^2 + (N / 64)^2 C). At other resolutions convolutions and gates see cells, and the attention more keys.

#include <array>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/dynamic_filter.hpp"
#include "surrogate/networks/encoder_decoder.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

using torch::Tensor;

namespace {

constexpr int kTransdepthLevels = 3;
constexpr int kTransdepthRank = 3;
constexpr std::array kTransdepthDilations{1, 2, 4};

class Transdepth : public EncoderDecoder {
 public:
  Transdepth(const Architecture& a, std::uint64_t seed)
      : EncoderDecoder(a, kTransdepthLevels, 1, Normalisation::cells, seed) {
    stem_ = linear("stem", {a.dim, a.channels_in, 3, 3});
    for (int l = 0; l < kTransdepthLevels; ++l) convolutions_.push_back(level(l));
    const int c = width(kTransdepthLevels);
    for (int n = 0; n < a.depth; ++n) {
      const std::string name = "blocks." + std::to_string(n);
      auto attention = self_attention(name + ".norm1", name + ".attn", c, a.heads);
      layers_.push_back({attention, token_mlp(name + ".norm2", name + ".mlp", c, a.mlp)});
    }
    norm_ = norm("norm", c);
    for (int l = 0; l < kTransdepthLevels; ++l) gates_.push_back(gate(l));
    add_decoder();
  }

 protected:
  std::vector<Tensor> encode(const Tensor& input, Size) const override {
    std::vector<Tensor> maps;
    Tensor x = stem_.convolve(input, 1, 1);
    for (const Level& l : convolutions_) {
      const auto between = l.first.convolve(torch::gelu(cell_norm(l.first_norm, x)), 1, 1);
      maps.push_back(x + l.second.convolve(torch::gelu(cell_norm(l.second_norm, between)), 1, 1));
      x = l.down.convolve(maps.back(), 2, 0);
    }
    Tensor tokens = x.flatten(2).transpose(1, 2);
    for (const auto& [attention, mlp] : layers_) tokens = mlp(attention(tokens));
    maps.push_back(norm_(tokens).transpose(1, 2).view(x.sizes()));
    return maps;
  }

  Tensor joined(int level, const Tensor& encoded, const Tensor& decoded) const override {
    const Gate& gate = gates_[static_cast<std::size_t>(level)];
    const Tensor both = torch::cat({encoded, decoded}, 1);
    std::vector<Tensor> messages;
    for (std::size_t n = 0; n < kTransdepthDilations.size(); ++n) {
      const int64_t t = kTransdepthDilations[n];
      const Kernels& k = gate.kernels[n];
      const auto kernel = [&](const Linear& l, const Tensor& x) {
        return torch::conv2d(x, *l.weight, *l.bias, 1, t, t);
      };
      const auto sent = dynamic_filter(kernel(k.both, both), encoded, t);
      const auto attention = decoded * sent + dynamic_filter(kernel(k.sender, encoded), encoded, t) +
                             dynamic_filter(kernel(k.receiver, decoded), decoded, t);
      messages.push_back(structured_attention(attention, k.a->softmax(1)) * sent);
    }
    return encoded + torch::relu(gate.out.convolve(torch::cat(messages, 1), 1, 0));
  }

 private:
  struct Level {
    Norm first_norm, second_norm;
    Linear first, second, down;
  };
  struct Kernels {
    Linear both, sender, receiver;
    const Tensor* a = nullptr;  // [rank, channels], before the softmax
  };
  struct Gate {
    std::vector<Kernels> kernels;  // of each dilation
    Linear out;
  };

  Level level(int l) {
    const std::string name = "down." + std::to_string(l);
    Level made;
    made.first_norm = norm(name + ".norm1", width(l));
    made.first = linear(name + ".conv1", {width(l), width(l), 3, 3});
    made.second_norm = norm(name + ".norm2", width(l));
    made.second = linear(name + ".conv2", {width(l), width(l), 3, 3});
    made.down = linear(name + ".reduce", {width(l + 1), width(l), 2, 2});
    return made;
  }

  Gate gate(int l) {
    const int64_t c = width(l);
    Gate made;
    const std::string name = "gates." + std::to_string(l);
    for (const int dilation : kTransdepthDilations) {
      const std::string at = name + ".dilation" + std::to_string(dilation);
      Kernels k;
      k.both = linear(at + ".both", {9, 2 * c, 3, 3});
      k.sender = linear(at + ".sender", {9, c, 3, 3});
      k.receiver = linear(at + ".receiver", {9, c, 3, 3});
      k.a = normal(at + ".rank", {kTransdepthRank, c}, 1.0);
      made.kernels.push_back(k);
    }
    const auto parts = static_cast<int64_t>(kTransdepthDilations.size());
    made.out.weight = linear(name + ".out", {c, parts * c, 1, 1}, false).weight;
    // Messages start small: with a random bias in their place the ReLU would be dead in half of the channels, everywhere.
    made.out.bias = constant(name + ".out.bias", {c}, 0.0);
    return made;
  }

  Linear stem_;
  std::vector<Level> convolutions_;
  std::vector<std::pair<SelfAttention, TokenMlp>> layers_;
  Norm norm_;
  std::vector<Gate> gates_;  // finest first
};

}  // namespace

std::unique_ptr<Network> make_transdepth(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Transdepth>(architecture, seed);
}

}  // namespace mano
