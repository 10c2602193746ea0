#pragma once
// Loops that take one number after the other: gelu, biases and residuals, column sums, changes of type. Part of token_kernels.cpp, which alone includes it.

#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

template <typename A>
Vector<A, kLanes<A>> first_of(Vector<A, 1> x) {
  Vector<A, kLanes<A>> v{};
  v[0] = x[0];
  return v;
}

// value = gelu(x), slope = its derivative.
template <typename A, int n>
void gelu_and_slope(Vector<A, n> x, Vector<A, n>& value, Vector<A, n>& slope) {
  if constexpr (n == 1) {
    Vector<A, kLanes<A>> v, s;
    gelu_and_slope<A, kLanes<A>>(first_of<A>(x), v, s);
    value = Vector<A, 1>{v[0]};
    slope = Vector<A, 1>{s[0]};
  } else {
    constexpr A density = static_cast<A>(0.39894228040143267794);  // 1 / sqrt(2 pi)
    Vector<A, n> e;
    const Vector<A, n> phi = normal_cdf(x, e);
    value = x * phi;
    slope = phi + x * density * e;
  }
}

template <typename S>
void gelu(Index rows, int channels, const S* x, const Sum<S>* bias, S* out) {
  using A = Sum<S>;
  for (Index r = 0; r < rows; ++r) {
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      Vector<A, n> value, slope;
      gelu_and_slope<A, n>(load<n>(x + r * channels + c) + load<n>(bias + c), value, slope);
      store<n>(value, out + r * channels + c);
    });
  }
}

template <typename S>
void gelu_backward(Index rows, int channels, const S* x, const Sum<S>* bias, const S* d_out, S* out, S* d_x,
                   Sum<S>* d_bias) {
  using A = Sum<S>;
  for (Index r = 0; r < rows; ++r) {
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      const Index i = r * channels + c;
      Vector<A, n> value, slope;
      gelu_and_slope<A, n>(load<n>(x + i) + load<n>(bias + c), value, slope);
      const Vector<A, n> d = load<n>(d_out + i) * slope;
      store<n>(value, out + i);
      store<n>(d, d_x + i);
      store<n>(load<n>(d_bias + c) + d, d_bias + c);
    });
  }
}

template <typename S>
void add_biased(Index rows, int channels, const Sum<S>* a, const S* y, const Sum<S>* bias,
                const Sum<S>* scale, Sum<S>* out) {
  using A = Sum<S>;
  for (Index r = 0; r < rows; ++r) {
    const A factor = scale != nullptr ? scale[r] : 1;
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      const Index i = r * channels + c;
      Vector<A, n> v = load<n>(y + i);
      if (bias != nullptr) v += factor * load<n>(bias + c);
      if (a != nullptr) v += load<n>(a + i);
      store<n>(v, out + i);
    });
  }
}

template <typename A>
void add_column_sums(Index rows, int channels, const A* x, const A* scale, A* sums) {
  for (Index r = 0; r < rows; ++r) {
    const A factor = scale != nullptr ? scale[r] : 1;
    in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(sums + c) + factor * load<n>(x + r * channels + c), sums + c);
    });
  }
}

template <typename S>
void add_operand_sums(Index rows, int channels, const S* x, Sum<S>* sums) {
  for (Index r = 0; r < rows; ++r) {
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(sums + c) + load<n>(x + r * channels + c), sums + c);
    });
  }
}

template <typename S>
void add_bias(Index rows, int channels, const Sum<S>* bias, S* x) {
  for (Index r = 0; r < rows; ++r) {
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(x + r * channels + c) + load<n>(bias + c), x + r * channels + c);
    });
  }
}

template <typename S>
void convert(Index count, const Sum<S>* from, S* to) {
  in_vectors<kWidth<S>>(count, [&](Index i, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(from + i), to + i);
  });
}

template <typename S>
void add_back(Index count, const S* from, Sum<S>* to) {
  in_vectors<kWidth<S>>(count, [&](Index i, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(to + i) + load<n>(from + i), to + i);
  });
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
