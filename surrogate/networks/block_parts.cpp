#include "surrogate/networks/block_parts.hpp"

#include "surrogate/kernels/attention.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;
using Index = std::int64_t;

Pyramid::Pyramid(const Tensor& x, const Architecture& a) : batch(static_cast<int>(x.size(0))) {
  int height = static_cast<int>(x.size(1));
  int width = static_cast<int>(x.size(2));
  const int count = a.levels_for(height, width);
  Index offset = 0;
  for (int l = 0; l < count; ++l) {
    const Index tokens = static_cast<Index>(batch) * height * width;
    levels.push_back({height, width, offset, tokens});
    offset += tokens;
    height = (height + a.rate - 1) / a.rate;
    width = (width + a.rate - 1) / a.rate;
  }
}

template <typename S>
BlockOperands<S>::BlockOperands(const BlockWeights& weights, const Architecture& architecture) {
  sums = weights.to_qkv.options().requires_grad(false);
  operands = std::is_same_v<S, BFloat16> ? sums.dtype(torch::kBFloat16) : sums;
  const auto operand = [&](const Tensor& t) {
    const Tensor weight = t.detach().to(operands).contiguous();
    return MapOperand{weight, transposed(weight)};
  };
  to_qkv = operand(weights.to_qkv);
  if (weights.to_out.defined()) to_out = operand(weights.to_out);
  mlp_in = operand(weights.mlp_in);
  mlp_out = operand(weights.mlp_out);
  if (weights.value_convolution.defined()) {
    const auto taps = [](const Tensor& t) { return t.detach().view({t.size(0), 9}).t().contiguous(); };
    value_taps = taps(weights.value_convolution);
    value_taps_back = value_taps.flip(0);
    mlp_taps = taps(weights.mlp_convolution);
    mlp_taps_back = mlp_taps.flip(0);
  }
  const Index channels = architecture.dim, points = static_cast<Index>(architecture.rate) * architecture.rate;
  const auto matrix = [&](const Tensor& t) {
    return operand(t.permute({0, 2, 3, 1}).reshape({channels, points * channels}));
  };
  if (weights.down.defined()) {
    down = matrix(weights.down);
    up = matrix(weights.up);
  } else {  // the average, and the nearest
    const auto copies = torch::eye(channels, sums).repeat({1, points});
    down = operand(copies / points);
    up = operand(copies);
  }
}

template <typename S>
BlockParts<S>::BlockParts(const BlockWeights& weights, const BlockOperands<S>& operands,
                          const Architecture& architecture, const Pyramid& pyramid)
    : BlockOperands<S>(operands),
      weights(weights),
      architecture(architecture),
      pyramid(pyramid),
      channels(architecture.dim),
      inner(static_cast<Index>(architecture.heads) * architecture.dim_head),
      hidden(architecture.mlp),
      block(static_cast<Index>(architecture.rate) * architecture.rate * architecture.dim) {
  fill_cover();
}

template <typename S>
LevelShape BlockParts<S>::level_shape(int fine) const {
  return {pyramid.levels[fine].height, pyramid.levels[fine].width, architecture.rate, architecture.dim};
}

template <typename S>
AttentionShape BlockParts<S>::attention_shape(int l) const {
  return {1,
          pyramid.levels[l].height,
          pyramid.levels[l].width,
          architecture.heads,
          architecture.dim_head,
          architecture.window,
          architecture.stride};
}

template <typename S>
ConvolutionShape BlockParts<S>::convolution_shape(int l, Index channels) const {
  return {pyramid.levels[l].height, pyramid.levels[l].width, static_cast<int>(channels)};
}

template <typename S>
NormWeights<Sum<S>> BlockParts<S>::attention_norm() const {
  return {data_of<A>(weights.outer_norm.weight), data_of<A>(weights.outer_norm.bias),
          data_of<A>(weights.inner_norm.weight), data_of<A>(weights.inner_norm.bias)};
}

template <typename S>
NormWeights<Sum<S>> BlockParts<S>::mlp_norm() const {
  return {data_of<A>(weights.mlp_norm.weight), data_of<A>(weights.mlp_norm.bias)};
}

template <typename S>
const S* BlockParts<S>::as_operand(const A* x, Index count, Buffer<S>& converted) const {
  if constexpr (std::is_same_v<S, A>) {
    return x;
  } else {
    S* to = converted.get(count);
    kernels.convert(count, x, to);
    return to;
  }
}

template <typename S>
Sum<S>* BlockParts<S>::level_rows(const Tensor& coarse, int l) const {
  return data_of<A>(coarse) + (pyramid.levels[l].offset - pyramid.finest()) * channels;
}

// Tokens that no window holds get no bias of the output map.
template <typename S>
void BlockParts<S>::fill_cover() {
  if (architecture.stride == 1 || !weights.to_out.defined()) return;
  std::vector<Tensor> levels;
  for (const TokenLevel& level : pyramid.levels) {
    levels.push_back(
        covered_tokens(level.height, level.width, architecture.window, architecture.stride, this->sums)
            .flatten()
            .repeat({pyramid.batch}));
  }
  cover = torch::cat(levels);
}

// visit(shape, begin, end, offset of the image's tokens, offset of its blocks) for the images of coarse rows [first, last).
template <typename S>
template <typename Visit>
void BlockParts<S>::for_blocks(int fine, Index first, Index last, const Visit& visit) const {
  const LevelShape shape = level_shape(fine);
  const Index image_tokens = static_cast<Index>(shape.height) * shape.width;
  for_images(shape.coarse_height(), first, last,
             [&, blocks = Index{0}](int image, int begin, int end) mutable {
               visit(shape, begin, end, image * image_tokens * channels, blocks);
               blocks += static_cast<Index>(end - begin) * shape.coarse_width() * block;
             });
}

template <typename S>
void BlockParts<S>::gather(int fine, Index first, Index last, const A* tokens, A factor, bool zero_outside,
                           S* blocks) const {
  for_blocks(fine, first, last, [&](const LevelShape& shape, int begin, int end, Index token, Index at) {
    kernels.gather_blocks(shape, begin, end, tokens + token, factor, zero_outside, blocks + at);
  });
}

template <typename S>
void BlockParts<S>::scatter(int fine, Index first, Index last, const S* blocks, A factor, bool repeated,
                            A* tokens) const {
  for_blocks(fine, first, last, [&](const LevelShape& shape, int begin, int end, Index token, Index at) {
    kernels.scatter_blocks(shape, begin, end, blocks + at, factor, repeated, tokens + token);
  });
}

template <typename S>
void BlockParts<S>::attend(int l, const LevelPiece& piece, const S* qkv, Buffer<A>& scratch,
                           S* attended) const {
  const AttentionShape shape = attention_shape(l);
  A* memory = scratch.get(static_cast<Index>(kernels.attention_scratch(shape)));
  const Index image_tokens = static_cast<Index>(shape.height) * shape.width;
  for_level_images(*this, l, piece, [&](int image, int begin, int end, Index before) {
    const S* of_image = qkv + (pyramid.levels[l].offset + image * image_tokens) * 3 * inner;
    S* rows = attended + before * inner;
    kernels.attention(shape, begin, end, of_image, rows, memory);
    if (this->value_taps.defined())
      kernels.convolve(convolution_shape(l, inner), begin, end, {of_image + 2 * inner, 3 * inner},
                       data_of<A>(this->value_taps), data_of<A>(weights.value_convolution_bias),
                       {rows, inner}, {rows, inner});
  });
}

template struct BlockOperands<float>;
template struct BlockOperands<double>;
template struct BlockOperands<BFloat16>;
template struct BlockParts<float>;
template struct BlockParts<double>;
template struct BlockParts<BFloat16>;

}  // namespace mano
