// Vectors of the processor, as a type, and loops in whole vectors, for token_kernels.cpp and its parts alone: it is compiled with
// MANO_INSTRUCTIONS, so every instruction set has its own copy. No header of the standard library with inline functions: the linker would be free to take one
// instruction set's version for all.
#pragma once

#include "surrogate/kernels/token_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

using Index = std::ptrdiff_t;

template <typename T, int n>
struct VectorOf {
  typedef T Type __attribute__((vector_size(sizeof(T) * n)));
  typedef T Unaligned __attribute__((vector_size(sizeof(T) * n), aligned(alignof(T)), may_alias));
};
template <typename T, int n>
using Vector = typename VectorOf<T, n>::Type;

template <int...>
struct Sequence {};
using Places = Sequence<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;

/// Numbers in a vector of 64 bytes.
template <typename A>
inline constexpr int kLanes = 64 / static_cast<int>(sizeof(A));

template <int n>
inline Vector<float, n> load(const float* from) {
  return *reinterpret_cast<const typename VectorOf<float, n>::Unaligned*>(from);
}
template <int n>
inline Vector<double, n> load(const double* from) {
  return *reinterpret_cast<const typename VectorOf<double, n>::Unaligned*>(from);
}

template <int n>
inline Vector<float, n> load(const BFloat16* from) {
  const Vector<std::uint16_t, n> bits =
      *reinterpret_cast<const typename VectorOf<std::uint16_t, n>::Unaligned*>(from);
  return reinterpret_cast<Vector<float, n>>(__builtin_convertvector(bits, Vector<std::uint32_t, n>) << 16);
}

template <int n>
inline void store(Vector<float, n> v, float* to) {
  *reinterpret_cast<typename VectorOf<float, n>::Unaligned*>(to) = v;
}
template <int n>
inline void store(Vector<double, n> v, double* to) {
  *reinterpret_cast<typename VectorOf<double, n>::Unaligned*>(to) = v;
}

/// Rounded to nearest, ties to even.
template <int n>
inline void store(Vector<float, n> v, BFloat16* to) {
  const auto bits = reinterpret_cast<Vector<std::uint32_t, n>>(v);
  const auto rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  *reinterpret_cast<typename VectorOf<std::uint16_t, n>::Unaligned*>(to) =
      __builtin_convertvector(rounded, Vector<std::uint16_t, n>);
}

inline float widen(float x) {
  return x;
}
inline double widen(double x) {
  return x;
}
inline float widen(BFloat16 x) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(x.bits) << 16);
}

inline void narrow(float x, float* to) {
  *to = x;
}
inline void narrow(double x, double* to) {
  *to = x;
}
inline void narrow(float x, BFloat16* to) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  to->bits = static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

template <typename A, int n>
inline A sum(Vector<A, n> v) {
  if constexpr (n == 1) {
    return v[0];
  } else {
    typedef A Half __attribute__((vector_size(sizeof(A) * (n / 2))));
    Half halves[2];
    __builtin_memcpy(halves, &v, sizeof v);
    return sum<A, n / 2>(halves[0] + halves[1]);
  }
}

#ifdef __AVX512F__
/// Sums within vectors, of many at once. a and b hold partial sums of `group` vectors each, that of vector i at the places
/// i, i + group, ...; so does the result, of all of them: those of a, then those of b.
template <int group, int... places>
inline Vector<float, 16> join(Vector<float, 16> a, Vector<float, 16> b, Sequence<places...>) {
  constexpr auto from = [](int place, int part) {
    const int at = place / (2 * group) * (2 * group) + place % (2 * group) % group + part * group;
    return place % (2 * group) < group ? at : 16 + at;
  };
  return __builtin_shufflevector(a, b, from(places, 0)...) +
         __builtin_shufflevector(a, b, from(places, 1)...);
}

/// The sums of the vectors product(first) ... product(first + count - 1), side by side; count = 16 fills the vector.
template <int count, typename Product>
inline Vector<float, 16> sums_of(int first, const Product& product) {
  if constexpr (count == 1) {
    return product(first);
  } else {
    return join<count / 2>(sums_of<count / 2>(first, product), sums_of<count / 2>(first + count / 2, product),
                           Places());
  }
}
#endif

/// exp(x) for x <= 0, to 2 ulp; 0 far below.
inline Vector<float, 16> exp_of_negative(Vector<float, 16> x) {
  using V = Vector<float, 16>;
  x = x < -87.0f ? V{} - 87.0f : x;
  const V magic = V{} + 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const V shifted = x * 1.44269504f + magic;
  const V n = shifted - magic;
  const V r = (x - n * 0.693145752f) - n * 1.42860677e-6f;
  V p = V{} + 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const auto exponent = reinterpret_cast<Vector<std::int32_t, 16>>(shifted) << 23;
  return reinterpret_cast<V>(reinterpret_cast<Vector<std::int32_t, 16>>(p) + exponent);
}

inline Vector<double, 8> exp_of_negative(Vector<double, 8> x) {
  for (int i = 0; i < 8; ++i) x[i] = __builtin_exp(x[i]);
  return x;
}

/// Phi(x), the cumulative normal distribution, and e = exp(-x^2 / 2). In single precision to 8e-8, after M. Abramowitz and
/// I. A. Stegun, Handbook of Mathematical Functions (1964), 7.1.26.
inline Vector<float, 16> normal_cdf(Vector<float, 16> x, Vector<float, 16>& e) {
  using V = Vector<float, 16>;
  const V size = x < 0 ? -x : x;
  e = exp_of_negative(-0.5f * x * x);
  const V t = 1.0f / (1.0f + 0.3275911f * 0.707106781f * size);
  V p = V{} + 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const V tail = 0.5f * p * t * e;
  return x < 0 ? tail : 1.0f - tail;
}

inline Vector<double, 8> normal_cdf(Vector<double, 8> x, Vector<double, 8>& e) {
  Vector<double, 8> phi;
  for (int i = 0; i < 8; ++i) {
    e[i] = __builtin_exp(-0.5 * x[i] * x[i]);
    phi[i] = 0.5 * __builtin_erfc(-0.70710678118654752440 * x[i]);
  }
  return phi;
}

inline float square_root(float x) {
  return __builtin_sqrtf(x);
}
inline double square_root(double x) {
  return __builtin_sqrt(x);
}

// --- Loops --------------------------------------------------------------------------------------------------------------

template <typename S>
constexpr int kWidth = kLanes<Sum<S>>;  // numbers in a vector of sums

// body(begin, vector length as a type) for all of `count` numbers: whole vectors, then one by one.
template <int n>
struct Length {
  static constexpr int value = n;
};
template <int n, typename Body>
inline void in_vectors(Index count, Body body) {
  Index i = 0;
  for (; i + n <= count; i += n) body(i, Length<n>());
  for (; i < count; ++i) body(i, Length<1>());
}

}  // namespace mano::MANO_INSTRUCTIONS
