#include "surrogate/networks/multipole_model.hpp"

#include <ATen/autocast_mode.h>

#include <cmath>

#include "surrogate/kernels/attention.hpp"
#include "surrogate/kernels/norm.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/token_layout.hpp"

namespace mano {

namespace {

// Repeats the last row and column until both sizes are multiples of rate.
torch::Tensor pad_to_multiple(torch::Tensor x, int rate) {
  for (int dim : {1, 2}) {
    const int64_t size = x.size(dim);
    const int64_t padded = (size + rate - 1) / rate * rate;
    if (padded == size) continue;
    const auto index =
        torch::arange(padded, torch::TensorOptions(x.device()).dtype(torch::kLong)).clamp_max(size - 1);
    x = x.index_select(dim, index);
  }
  return x;
}

// [B, C, H, W] -> [B, ceil(H / p), ceil(W / p), C p p].
torch::Tensor to_patches(const torch::Tensor& input, int64_t p) {
  if (p == 1) return input.permute({0, 2, 3, 1});
  const auto x = whole_patches(input, p);
  const int64_t rows = x.size(2) / p, columns = x.size(3) / p;
  return x.view({x.size(0), x.size(1), rows, p, columns, p})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({x.size(0), rows, columns, -1});
}

// Products on a GPU in bfloat16 while one exists.
class Autocast {
 public:
  explicit Autocast(bool wanted) : before_(at::autocast::is_autocast_enabled(at::kCUDA)) {
    if (!wanted) return;
    at::autocast::set_autocast_enabled(at::kCUDA, true);
    at::autocast::set_autocast_dtype(at::kCUDA, torch::kBFloat16);
  }
  ~Autocast() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCUDA, before_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool before_;
};

}  // namespace

torch::Tensor sample_down(const torch::Tensor& tokens, const torch::Tensor& weight, int rate) {
  const auto x = pad_to_multiple(tokens, rate);
  const int64_t h = x.size(1) / rate;
  const int64_t w = x.size(2) / rate;
  const int64_t c = x.size(3);
  const auto blocks = x.view({x.size(0), h, rate, w, rate, c});
  if (!weight.defined()) return blocks.mean({2, 4});
  // Kernel = stride: a plain matrix product over the rate x rate x C numbers of a block.
  const auto rows = blocks.permute({0, 1, 3, 2, 4, 5}).reshape({x.size(0), h, w, rate * rate * c});
  return torch::linear(rows, weight.permute({0, 2, 3, 1}).reshape({weight.size(0), rate * rate * c}));
}

torch::Tensor sample_up(const torch::Tensor& tokens, const torch::Tensor& weight, int rate, int64_t height,
                        int64_t width) {
  const int64_t b = tokens.size(0);
  const int64_t h = tokens.size(1);
  const int64_t w = tokens.size(2);
  torch::Tensor blocks;  // [B, h, w, rate, rate, C]
  if (weight.defined()) {
    const int64_t c = weight.size(1);
    blocks = torch::linear(tokens, weight.permute({2, 3, 1, 0}).reshape({rate * rate * c, weight.size(0)}))
                 .view({b, h, w, rate, rate, c});
  } else {
    blocks = tokens.view({b, h, w, 1, 1, tokens.size(3)}).expand({b, h, w, rate, rate, tokens.size(3)});
  }
  return blocks.permute({0, 1, 3, 2, 4, 5})
      .reshape({b, h * rate, w * rate, blocks.size(5)})
      .narrow(1, 0, height)
      .narrow(2, 0, width);
}

torch::Tensor MultipoleModel::local_attention(const BlockWeights& block, const torch::Tensor& x) const {
  const Architecture& a = architecture_;
  const int64_t b = x.size(0);
  const int64_t height = x.size(1);
  const int64_t width = x.size(2);
  // q, k, v depend on the token alone, not on the window: once a token.
  const auto qkv = torch::linear(layer_norms(x, block.outer_norm, &block.inner_norm), block.to_qkv)
                       .view({b, height, width, 3, a.heads, a.dim_head});
  const int64_t inner = static_cast<int64_t>(a.heads) * a.dim_head;
  auto out = overlapping_attention(qkv, a.window, a.stride).view({b, height, width, inner});
  if (block.value_convolution.defined())
    out = out + depthwise(qkv.select(3, 2).reshape({b, height, width, inner}), block.value_convolution,
                          block.value_convolution_bias);
  if (!block.to_out.defined()) return out;
  // The output map is linear, so it follows the average over windows; its bias belongs to covered tokens only.
  if (a.stride == 1) return torch::linear(out, block.to_out, block.to_out_bias);
  const auto covered =
      covered_tokens(static_cast<int>(height), static_cast<int>(width), a.window, a.stride, x.options());
  return torch::linear(out, block.to_out) + covered * block.to_out_bias;
}

torch::Tensor MultipoleModel::multipole_attention(const BlockWeights& block,
                                                  const torch::Tensor& tokens) const {
  const int rate = architecture_.rate;
  const int levels =
      architecture_.levels_for(static_cast<int>(tokens.size(1)), static_cast<int>(tokens.size(2)));
  std::vector<torch::Tensor> attended;  // o_0 ... o_(L-1)
  torch::Tensor level = tokens;
  for (int l = 0; l < levels; ++l) {
    if (l > 0) level = sample_down(level, block.down, rate);
    attended.push_back(local_attention(block, level));
  }
  // r = o_(L-1); for i = 0, 1, ...: r = o_(L-2-i) + up(r) / (i + 1)
  torch::Tensor r = attended.back();
  for (int i = 0; i + 1 < levels; ++i) {
    const auto& finer = attended[levels - 2 - i];
    r = torch::add(finer, sample_up(r, block.up, rate, finer.size(1), finer.size(2)), 1.0 / (i + 1));
  }
  return r;
}

// What the head reads: [B, h, w, C].
torch::Tensor MultipoleModel::normed_tokens(const torch::Tensor& input, Precision precision) const {
  auto x = torch::linear(to_patches(input, architecture_.patch), weights_.linear_p, weights_.linear_p_bias);
  for (std::size_t n = 0; n < weights_.blocks.size(); ++n) {
    const BlockWeights& block = weights_.blocks[n];
    if (x.is_cpu() && !operators_on_cpu) {
      x = block_forward(x, block, architecture_, precision, frozen_.empty() ? nullptr : frozen_[n].get());
      continue;
    }
    x = x + multipole_attention(block, x);
    auto hidden = torch::linear(layer_norms(x, block.mlp_norm), block.mlp_in, block.mlp_in_bias);
    if (block.mlp_convolution.defined())
      hidden = hidden + depthwise(hidden, block.mlp_convolution, block.mlp_convolution_bias);
    x = x + torch::linear(torch::gelu(hidden), block.mlp_out, block.mlp_out_bias);
  }
  return layer_norms(x, weights_.norm);
}

torch::Tensor MultipoleModel::point_features(const torch::Tensor& input, Precision precision) const {
  if (architecture_.point_width == 0) return Network::point_features(input, precision);
  const Autocast autocast(input.is_cuda() && precision == Precision::bfloat16);
  return weights_.points.features(normed_tokens(input, precision), architecture_.patch, input.size(2),
                                  input.size(3));
}

torch::Tensor MultipoleModel::from_point_features(const torch::Tensor& features,
                                                  const torch::Tensor& input) const {
  return weights_.points.outputs(features, input);
}

torch::Tensor MultipoleModel::forward(const torch::Tensor& input, Precision precision) const {
  // On a GPU Torch converts the operands of its products; on the CPU a block does, the few products around it stay exact.
  const Autocast autocast(input.is_cuda() && precision == Precision::bfloat16);
  const Architecture& a = architecture_;
  if (a.point_width > 0) return from_point_features(point_features(input, precision), input);
  const auto x =
      torch::tanh(torch::linear(normed_tokens(input, precision), weights_.linear_q, weights_.linear_q_bias));
  const auto out = torch::linear(x, weights_.output, weights_.output_bias);
  return a.patch == 1 ? out.permute({0, 3, 1, 2}) : from_patches(out, a.patch, input.size(2), input.size(3));
}

}  // namespace mano
