#pragma once
// The gradients of a block's weights: sums of every thread, one weight after the other, and what they are in all. Private to surrogate/.

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/block_parts.hpp"

namespace mano {

/// Places in the row of one thread; null pointers and the length of a row alone where `at` is null.
template <typename S>
struct BlockGradients {
  using A = Sum<S>;

  A *outer_weight, *outer_bias, *inner_weight, *inner_bias, *to_qkv, *to_out, *to_out_bias, *down, *up,
      *mlp_weight, *mlp_bias, *mlp_in, *mlp_in_bias, *mlp_out, *mlp_out_bias, *value_taps, *value_taps_bias,
      *mlp_taps, *mlp_taps_bias;
  std::int64_t count = 0;

  BlockGradients(const BlockParts<S>& b, A* at) {
    const std::int64_t c = b.channels;
    const auto take = [&](A*& pointer, std::int64_t n) {
      pointer = at != nullptr ? at + count : nullptr;
      count += n;
    };
    take(outer_weight, c);
    take(outer_bias, c);
    take(inner_weight, c);
    take(inner_bias, c);
    take(to_qkv, 3 * b.inner * c);
    take(to_out, b.to_out.weight.defined() ? c * b.inner : 0);
    take(to_out_bias, b.to_out.weight.defined() ? c : 0);
    take(down, b.levels() > 1 ? c * b.block : 0);
    take(up, b.levels() > 1 ? c * b.block : 0);
    take(mlp_weight, c);
    take(mlp_bias, c);
    take(mlp_in, b.hidden * c);
    take(mlp_in_bias, b.hidden);
    take(mlp_out, c * b.hidden);
    take(mlp_out_bias, c);
    const std::int64_t values = b.value_taps.defined() ? b.inner : 0,
                       of_mlp = b.mlp_taps.defined() ? b.hidden : 0;
    take(value_taps, 9 * values);
    take(value_taps_bias, values);
    take(mlp_taps, 9 * of_mlp);
    take(mlp_taps_bias, of_mlp);
  }

  static BlockGradients mine(const BlockParts<S>& b, torch::Tensor& sums) {
    return BlockGradients(b, data_of<A>(sums) + at::get_thread_num() * sums.size(1));
  }
};

/// The sums of all threads [threads, count] added up, in the shapes of the weights.
template <typename S>
void take_gradients(const BlockParts<S>& b, const torch::Tensor& sums, BlockWeights& d) {
  const torch::Tensor total = sums.sum(0);
  const BlockGradients<S> at(b, data_of<Sum<S>>(total));
  const auto take = [&](const Sum<S>* from, torch::IntArrayRef shape) {
    return total.narrow(0, from - data_of<Sum<S>>(total), c10::multiply_integers(shape)).view(shape);
  };
  const auto sampling = [&](const Sum<S>* from) {
    return take(from, {b.channels, b.architecture.rate, b.architecture.rate, b.channels})
        .permute({0, 3, 1, 2})
        .contiguous();
  };
  d.outer_norm = {take(at.outer_weight, {b.channels}), take(at.outer_bias, {b.channels})};
  d.inner_norm = {take(at.inner_weight, {b.channels}), take(at.inner_bias, {b.channels})};
  d.to_qkv = take(at.to_qkv, {3 * b.inner, b.channels});
  if (b.to_out.weight.defined()) {
    d.to_out = take(at.to_out, {b.channels, b.inner});
    d.to_out_bias = take(at.to_out_bias, {b.channels});
  }
  if (b.weights.down.defined() && b.levels() > 1) {
    d.down = sampling(at.down);
    d.up = sampling(at.up);
  }
  d.mlp_norm = {take(at.mlp_weight, {b.channels}), take(at.mlp_bias, {b.channels})};
  d.mlp_in = take(at.mlp_in, {b.hidden, b.channels});
  d.mlp_in_bias = take(at.mlp_in_bias, {b.hidden});
  d.mlp_out = take(at.mlp_out, {b.channels, b.hidden});
  d.mlp_out_bias = take(at.mlp_out_bias, {b.channels});
  if (b.value_taps.defined()) {
    const auto taps = [&](const Sum<S>* from, std::int64_t channels) {
      return take(from, {9, channels}).t().reshape({channels, 1, 3, 3});
    };
    d.value_convolution = taps(at.value_taps, b.inner);
    d.value_convolution_bias = take(at.value_taps_bias, {b.inner});
    d.mlp_convolution = taps(at.mlp_taps, b.hidden);
    d.mlp_convolution_bias = take(at.mlp_taps_bias, {b.hidden});
  }
}

}  // namespace mano
