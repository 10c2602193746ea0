// ViT and Swin: pre-norm blocks of attention among all tokens, or within windows.

#include <array>
#include <cmath>
#include <map>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"
#include "surrogate/networks/token_layout.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

namespace {

class PatchTransformer : public TokenNetwork {
 public:
  PatchTransformer(const Architecture& a, std::uint64_t seed) : TokenNetwork(a, seed) {
    const int64_t c = a.dim;
    for (int n = 0; n < a.depth; ++n) {
      const std::string name = "blocks." + std::to_string(n);
      Block block;
      block.norm1 = norm(name + ".norm1", a.dim);
      block.qkv = linear(name + ".attn.qkv", {3 * c, c});
      block.out = linear(name + ".attn.proj", {c, c});
      block.norm2 = norm(name + ".norm2", a.dim);
      block.mlp = mlp(name + ".mlp");
      blocks_.push_back(block);
    }
    add_head();
  }

 protected:
  virtual Tensor attend(std::size_t block, const Tensor& qkv) const = 0;  // [B, h, w, 3 C] -> [B, h, w, C]

  Tensor block(std::size_t n, const Tensor& tokens) const override {
    const Block& block = blocks_[n];
    const Tensor x = tokens + block.out(attend(n, block.qkv(block.norm1(tokens))));
    return x + block.mlp(block.norm2(x));
  }

  // [N, tokens, 3 C] -> [N, tokens, C]; bias broadcasts to [N, heads, tokens, tokens].
  Tensor attention_of(const Tensor& qkv, const std::optional<Tensor>& bias) const {
    const auto parts = qkv.chunk(3, 2);
    return attention(parts[0], parts[1], parts[2], a_.heads, bias);
  }

 private:
  struct Block {
    Norm norm1, norm2;
    Linear qkv, out;
    Mlp mlp;
  };
  std::vector<Block> blocks_;
};

class Vit : public PatchTransformer {
 public:
  using PatchTransformer::PatchTransformer;

 protected:
  // Sines and cosines of the place in the domain, half the channels for each axis: X. Chen et al., arXiv 2104.02057.
  Tensor with_positions(const Tensor& tokens) const override {
    const int64_t h = tokens.size(1);
    const int64_t w = tokens.size(2);
    Tensor& positions = positions_[{h, w}];
    if (!positions.defined() || positions.device() != tokens.device()) {
      const c10::InferenceMode no_inference(false);  // training may use them later
      positions = positions_of(h, w).to(tokens.device());
    }
    return tokens + positions;
  }

  Tensor attend(std::size_t, const Tensor& qkv) const override {
    return attention_of(qkv.flatten(1, 2), {}).view({qkv.size(0), qkv.size(1), qkv.size(2), a_.dim});
  }

 private:
  Tensor positions_of(int64_t h, int64_t w) const {
    const int64_t quarter = a_.dim / 4;
    const auto frequency =
        M_PI * torch::pow(16.0, torch::arange(quarter) / std::max<int64_t>(quarter - 1, 1));
    const auto waves = [&](int64_t n) {
      const auto angle = torch::outer((torch::arange(n) + 0.5) / n, frequency);
      return torch::cat({angle.sin(), angle.cos()}, 1);  // [n, C / 2]
    };
    const auto y = waves(h).view({1, h, 1, 2 * quarter}).expand({1, h, w, 2 * quarter});
    const auto x = waves(w).view({1, 1, w, 2 * quarter}).expand({1, h, w, 2 * quarter});
    return torch::cat({x, y}, 3);
  }

  mutable std::map<std::pair<int64_t, int64_t>, Tensor> positions_;  // made once for each size
};

class Swin : public PatchTransformer {
 public:
  Swin(const Architecture& a, std::uint64_t seed) : PatchTransformer(a, seed) {
    const int side = 2 * a.window - 1;
    for (int n = 0; n < a.depth; ++n) {
      bias_.push_back(normal("blocks." + std::to_string(n) + ".attn.relative_position_bias_table",
                             {side * side, a.heads}, 0.02));
    }
  }

 protected:
  Tensor with_positions(const Tensor& tokens) const override { return tokens; }

  Tensor attend(std::size_t block, const Tensor& qkv) const override {
    const int64_t k = a_.window;
    const int64_t h = qkv.size(1);
    const int64_t w = qkv.size(2);
    const int64_t padded_h = (h + k - 1) / k * k;
    const int64_t padded_w = (w + k - 1) / k * k;
    // As published: an axis that one window covers is not shifted.
    const int64_t shift_h = block % 2 == 1 && padded_h > k ? k / 2 : 0;
    const int64_t shift_w = block % 2 == 1 && padded_w > k ? k / 2 : 0;
    auto x = torch::constant_pad_nd(qkv, {0, 0, 0, padded_w - w, 0, padded_h - h});
    x = x.roll({-shift_h, -shift_w}, {1, 2});
    const auto mask = window_mask({h, w}, {padded_h, padded_w}, {shift_h, shift_w}, qkv.options());
    const auto bias = (mask + relative_bias(block)).repeat({qkv.size(0), 1, 1, 1});
    x = from_windows(attention_of(to_windows(x, k), bias), k, qkv.size(0), padded_h, padded_w);
    return x.roll({shift_h, shift_w}, {1, 2}).slice(1, 0, h).slice(2, 0, w);
  }

 private:
  Tensor relative_bias(std::size_t block) const {  // [heads, K K, K K]
    const int64_t k = a_.window;
    const Tensor& table = *bias_[block];
    if (!index_.defined() || index_.device() != table.device()) {
      const c10::InferenceMode no_inference(false);  // training may use it later
      const auto at = torch::arange(k * k, torch::kLong);
      const auto apart = [&](const Tensor& place) { return place.unsqueeze(1) - place.unsqueeze(0) + k - 1; };
      index_ =
          (apart(at.floor_divide(k)) * (2 * k - 1) + apart(at.remainder(k))).flatten().to(table.device());
    }
    return table.index_select(0, index_).view({k * k, k * k, a_.heads}).permute({2, 0, 1});
  }

  using Pair = std::array<int64_t, 2>;  // of y, of x

  // [windows, 1, K K, K K]: 0 where both tokens were neighbours before the shift, and in the grid; far below zero elsewhere.
  Tensor window_mask(Pair size, Pair padded, Pair shift, const torch::TensorOptions& options) const {
    Tensor& mask = masks_[{size, shift}];
    if (mask.defined() && mask.device() == options.device()) return mask;
    const c10::InferenceMode no_inference(false);  // training may use it later
    const auto region = [&](int axis) {
      auto r = torch::zeros({padded[axis]});
      r.slice(0, size[axis]) += 1;  // outside the grid
      r = r.roll({-shift[axis]}, {0});
      if (shift[axis] > 0) r.slice(0, padded[axis] - shift[axis]) += 2;  // wrapped around
      return r;
    };
    const auto both = region(0).view({1, padded[0], 1, 1}) * 4 + region(1).view({1, 1, padded[1], 1});
    const auto in_window =
        to_windows(both.expand({1, padded[0], padded[1], 1}).contiguous(), a_.window).squeeze(2);
    const auto together = in_window.unsqueeze(1) == in_window.unsqueeze(2);
    mask = torch::where(together, 0.0, -1e4).unsqueeze(1).to(options.requires_grad(false));
    return mask;
  }

  // Made once for each size.
  mutable Tensor index_;
  mutable std::map<std::pair<Pair, Pair>, Tensor> masks_;
  std::vector<const Tensor*> bias_;
};

}  // namespace

std::unique_ptr<Network> make_vit(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Vit>(architecture, seed);
}

std::unique_ptr<Network> make_swin(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Swin>(architecture, seed);
}

}  // namespace mano
