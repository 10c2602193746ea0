#include "surrogate/networks/windowed_model.hpp"

#include <cmath>

#include "surrogate/kernels/torch.hpp"

namespace mano {

namespace {

using torch::Tensor;

Tensor layer_norm(const Tensor& x, const LayerNormWeights& w) {
  return torch::layer_norm(x, {x.size(-1)}, w.weight, w.bias);
}

// Attention within each of N sets of tokens: [N, n, C] -> [N, n, C].
Tensor attend(const BlockWeights& w, const Architecture& a, const Tensor& tokens, bool dense) {
  const auto qkv = torch::linear(layer_norm(layer_norm(tokens, w.outer_norm), w.inner_norm), w.to_qkv)
                       .view({tokens.size(0), tokens.size(1), 3, a.heads, a.dim_head})
                       .permute({2, 0, 3, 1, 4});  // [3, N, h, n, d]
  Tensor out;
  if (dense) {
    out = torch::scaled_dot_product_attention(qkv[0], qkv[1], qkv[2]);
  } else {
    const auto scores =
        torch::matmul(qkv[0], qkv[1].transpose(-1, -2)) / std::sqrt(static_cast<double>(a.dim_head));
    out = torch::matmul(scores.softmax(-1), qkv[2]);
  }
  out = out.transpose(1, 2).reshape({tokens.size(0), tokens.size(1), -1});
  return w.to_out.defined() ? torch::linear(out, w.to_out, w.to_out_bias) : out;
}

// x [B, C, H, W]
Tensor windowed_attention(const BlockWeights& w, const Architecture& a, const Tensor& x) {
  const int64_t b = x.size(0);
  const int64_t c = x.size(1);
  const int64_t n = static_cast<int64_t>(a.window) * a.window;
  const auto columns = torch::im2col(x, {a.window, a.window}, {1, 1}, {0, 0}, {a.stride, a.stride});
  const int64_t windows = columns.size(2);
  const auto tokens = columns.view({b, c, n, windows}).permute({0, 3, 2, 1}).reshape({b * windows, n, c});
  const auto fold = [&](const Tensor& t) {
    return torch::col2im(t, {x.size(2), x.size(3)}, {a.window, a.window}, {1, 1}, {0, 0},
                         {a.stride, a.stride});
  };
  const auto attended =
      attend(w, a, tokens, false).view({b, windows, n, c}).permute({0, 3, 2, 1}).reshape({b, c * n, windows});
  const auto copies = fold(torch::ones({1, n, windows}, x.options())).clamp_min(1);
  return fold(attended) / copies;
}

Tensor multipole_attention(const BlockWeights& w, const Architecture& a, const Tensor& x) {
  const int levels = a.levels_for(static_cast<int>(x.size(2)), static_cast<int>(x.size(3)));
  const bool conv = w.down.defined();
  std::vector<Tensor> attended;
  Tensor level = x;
  for (int l = 0; l < levels; ++l) {
    if (l > 0)
      level = conv ? torch::conv2d(level, w.down, {}, a.rate) : torch::avg_pool2d(level, a.rate, a.rate);
    attended.push_back(windowed_attention(w, a, level));
  }
  Tensor r = attended.back();
  for (int i = 0; i + 1 < levels; ++i) {
    const auto up = conv ? torch::conv_transpose2d(r, w.up, {}, a.rate)
                         : torch::repeat_interleave(torch::repeat_interleave(r, a.rate, 2), a.rate, 3);
    r = attended[levels - 2 - i] + up / (i + 1);
  }
  return r;
}

template <typename Attention>
Tensor network(const MultipoleModel& model, const Tensor& input, Attention attention) {
  const ModelWeights& w = model.weights();
  auto x = torch::linear(input.permute({0, 2, 3, 1}), w.linear_p, w.linear_p_bias);  // [B, H, W, C]
  for (const BlockWeights& block : w.blocks) {
    x = x + attention(block, x);
    const auto hidden =
        torch::gelu(torch::linear(layer_norm(x, block.mlp_norm), block.mlp_in, block.mlp_in_bias));
    x = x + torch::linear(hidden, block.mlp_out, block.mlp_out_bias);
  }
  x = torch::tanh(torch::linear(layer_norm(x, w.norm), w.linear_q, w.linear_q_bias));
  return torch::linear(x, w.output, w.output_bias).permute({0, 3, 1, 2});
}

}  // namespace

Tensor windowed_forward(const MultipoleModel& model, const Tensor& input) {
  return network(model, input, [&](const BlockWeights& block, const Tensor& x) {
    return multipole_attention(block, model.architecture(), x.permute({0, 3, 1, 2})).permute({0, 2, 3, 1});
  });
}

Tensor dense_forward(const MultipoleModel& model, const Tensor& input) {
  return network(model, input, [&](const BlockWeights& block, const Tensor& x) {
    return attend(block, model.architecture(), x.flatten(1, 2), true).view(x.sizes());
  });
}

}  // namespace mano
