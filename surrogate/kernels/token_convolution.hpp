#pragma once
// Depthwise 3x3 convolution of rows of tokens, its transpose and the gradient of its weights. Part of token_kernels.cpp, which alone includes it.

#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// visit(tap, offset in tokens) for the neighbours of token (y, x), itself among them, that lie on the grid.
template <typename Visit>
inline void for_neighbours(const ConvolutionShape& s, int y, int x, Visit visit) {
  const int first = x > 0 ? -1 : 0, last = x + 1 < s.width ? 1 : 0;
  for (int row = -1; row <= 1; ++row) {
    if (y + row < 0 || y + row >= s.height) continue;
    if (last - first == 2) {  // three constants: the loop has no branch
      for (int column = -1; column <= 1; ++column)
        visit(3 * row + column + 4, static_cast<Index>(row) * s.width + column);
    } else {
      for (int column = first; column <= last; ++column)
        visit(3 * row + column + 4, static_cast<Index>(row) * s.width + column);
    }
  }
}

template <typename S>
void convolve(const ConvolutionShape& s, int begin, int end, Tokens<const S> x, const Sum<S>* taps,
              const Sum<S>* bias, Tokens<const S> base, Tokens<S> out) {
  using A = Sum<S>;
  in_vectors<kWidth<S>>(s.channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    Vector<A, n> weight[9];
    for (int k = 0; k < 9; ++k) weight[k] = load<n>(taps + static_cast<Index>(k) * s.channels + c);
    const Vector<A, n> start = bias != nullptr ? load<n>(bias + c) : Vector<A, n>{};
    for (int y = begin; y < end; ++y) {
      for (int column = 0; column < s.width; ++column) {
        const Index token = static_cast<Index>(y - begin) * s.width + column;
        const S* center = x.data + (static_cast<Index>(y) * s.width + column) * x.stride + c;
        Vector<A, n> sum = start + load<n>(base.data + token * base.stride + c);
        for_neighbours(s, y, column,
                       [&](int k, Index offset) { sum += weight[k] * load<n>(center + offset * x.stride); });
        store<n>(sum, out.data + token * out.stride + c);
      }
    }
  });
}

template <typename S>
void convolution_gradients(const ConvolutionShape& s, int begin, int end, Tokens<const S> x,
                           Tokens<const S> d_out, Sum<S>* d_taps, Sum<S>* d_bias) {
  using A = Sum<S>;
  in_vectors<kWidth<S>>(s.channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    Vector<A, n> sums[9];
    for (int k = 0; k < 9; ++k) sums[k] = load<n>(d_taps + static_cast<Index>(k) * s.channels + c);
    Vector<A, n> total{};
    for (int y = begin; y < end; ++y) {
      for (int column = 0; column < s.width; ++column) {
        const Index token = static_cast<Index>(y - begin) * s.width + column;
        const S* center = x.data + (static_cast<Index>(y) * s.width + column) * x.stride + c;
        const Vector<A, n> d = load<n>(d_out.data + token * d_out.stride + c);
        total += d;
        for_neighbours(s, y, column,
                       [&](int k, Index offset) { sums[k] += d * load<n>(center + offset * x.stride); });
      }
    }
    for (int k = 0; k < 9; ++k) store<n>(sums[k], d_taps + static_cast<Index>(k) * s.channels + c);
    if (d_bias != nullptr) store<n>(load<n>(d_bias + c) + total, d_bias + c);
  });
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
