#pragma once
// Layer norms of rows of tokens, one after another, and their gradients. Part of token_kernels.cpp, which alone includes it.

#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

constexpr double kEpsilon = 1e-5;

template <typename A>
A sum_of(const A* x, int count) {
  constexpr int n = kLanes<A>;
  Vector<A, n> whole{};
  A rest = 0;
  int i = 0;
  for (; i + n <= count; i += n) whole += load<n>(x + i);
  for (; i < count; ++i) rest += x[i];
  return sum<A, n>(whole) + rest;
}

// sum of a b
template <typename A>
A dot(const A* a, const A* b, int count) {
  constexpr int n = kLanes<A>;
  Vector<A, n> whole{};
  A rest = 0;
  int i = 0;
  for (; i + n <= count; i += n) whole += load<n>(a + i) * load<n>(b + i);
  for (; i < count; ++i) rest += a[i] * b[i];
  return sum<A, n>(whole) + rest;
}

// to = (x - mean) / standard deviation; returns its inverse.
template <typename A>
A standardize(const A* x, int channels, A* to) {
  const A mean = sum_of(x, channels) / static_cast<A>(channels);
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(x + c) - mean, to + c);
  });
  const A variance = dot(to, to, channels) / static_cast<A>(channels);
  const A inverse = 1 / square_root(variance + static_cast<A>(kEpsilon));
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(to + c) * inverse, to + c);
  });
  return inverse;
}

template <typename A, typename S>
void scale_and_shift(const A* x, const A* weight, const A* bias, int channels, S* to) {
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(x + c) * load<n>(weight + c) + load<n>(bias + c), to + c);
  });
}

constexpr int kMostChannels = 8192;  // as check_architecture allows

template <typename S>
void normalize(Index rows, int channels, const Sum<S>* x, const NormWeights<Sum<S>>& w, S* out) {
  using A = Sum<S>;
  A standard[kMostChannels];
  for (Index r = 0; r < rows; ++r) {
    standardize(x + r * channels, channels, standard);
    if (w.inner_weight != nullptr) {
      scale_and_shift(standard, w.weight, w.bias, channels, standard);
      standardize(standard, channels, standard);
      scale_and_shift(standard, w.inner_weight, w.inner_bias, channels, out + r * channels);
    } else {
      scale_and_shift(standard, w.weight, w.bias, channels, out + r * channels);
    }
  }
}

// gradient: of the norm's result in, of its input out. Adds to the gradients of weight and bias.
template <typename A>
void norm_backward(const A* standard, A inverse, const A* weight, int channels, A* gradient, A* d_weight,
                   A* d_bias) {
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    const auto d = load<n>(gradient + c);
    store<n>(load<n>(d_weight + c) + d * load<n>(standard + c), d_weight + c);
    store<n>(load<n>(d_bias + c) + d, d_bias + c);
    store<n>(d * load<n>(weight + c), gradient + c);
  });
  const A mean = sum_of(gradient, channels) / static_cast<A>(channels);
  const A slope = dot(gradient, standard, channels) / static_cast<A>(channels);
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(inverse * (load<n>(gradient + c) - mean - slope * load<n>(standard + c)), gradient + c);
  });
}

template <typename S>
void normalize_backward(Index rows, int channels, const Sum<S>* x, const NormWeights<Sum<S>>& w,
                        const S* d_out, const Sum<S>* add, Sum<S>* d_x, const NormGradients<Sum<S>>& g) {
  using A = Sum<S>;
  A outer[kMostChannels];
  A inner[kMostChannels];
  A gradient[kMostChannels];
  for (Index r = 0; r < rows; ++r) {
    const A inverse = standardize(x + r * channels, channels, outer);
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(d_out + r * channels + c), gradient + c);
    });
    if (w.inner_weight != nullptr) {
      scale_and_shift(outer, w.weight, w.bias, channels, inner);
      const A inner_inverse = standardize(inner, channels, inner);
      norm_backward(inner, inner_inverse, w.inner_weight, channels, gradient, g.inner_weight, g.inner_bias);
    }
    norm_backward(outer, inverse, w.weight, channels, gradient, g.weight, g.bias);
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      auto d = load<n>(gradient + c);
      if (add != nullptr) d += load<n>(add + r * channels + c);
      store<n>(d, d_x + r * channels + c);
    });
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
