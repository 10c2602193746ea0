#include "datagen/normal_row.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "core/instructions.hpp"

namespace mano {

namespace {

constexpr std::size_t kPairs = 64;  // at once

// The words' upper 52 bits as a number in [1, 2).
[[gnu::always_inline]] inline double one_to_two(std::uint64_t word) {
  return std::bit_cast<double>((word >> 12) | 0x3ff0000000000000ULL);
}

// Horner's scheme, coefficients of the highest power first; written out, for loops within it would not be vectorised.
template <typename... Rest>
[[gnu::always_inline]] inline double polynomial(double z, double highest, Rest... rest) {
  double p = highest;
  ((p = p * z + rest), ...);
  return p;
}

// ln u for u in (0, 1] and not subnormal: u = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m - 1) / (m + 1)).
[[gnu::always_inline]] inline double logarithm(double u) {
  constexpr std::uint64_t kRootOfHalf = 0x3fe6a09e667f3bcdULL;  // its bits
  const auto bits = std::bit_cast<std::uint64_t>(u) + (0x3ff0000000000000ULL - kRootOfHalf);
  const double e =
      std::bit_cast<double>((bits >> 52) | 0x4330000000000000ULL) - (4503599627370496.0 + 1023.0);
  const double m = std::bit_cast<double>((bits & 0x000fffffffffffffULL) + kRootOfHalf);
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  const double p = polynomial(z, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7,
                              2.0 / 5, 2.0 / 3, 2.0);
  return e * std::numbers::ln2 + s * p;
}

// cos and sin of 2 pi v for v in [0, 1): a whole number of quarters, and a remainder of an eighth at most.
[[gnu::always_inline]] inline void turn(double v, double& cosine, double& sine) {
  constexpr double kRound = 6755399441055744.0;  // 1.5 2^52: the sum's last bits are the nearest whole number
  const double shifted = 4.0 * v + kRound;
  const auto quarters = std::bit_cast<std::uint64_t>(shifted);
  const double x = (4.0 * v - (shifted - kRound)) * (std::numbers::pi / 2);
  const double z = x * x;
  const double s = x * polynomial(z, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880,
                                  -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0);
  const double k = polynomial(z, 1.0 / 20922789888000, -1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800,
                              1.0 / 40320, -1.0 / 720, 1.0 / 24, -1.0 / 2, 1.0);
  // An odd number of quarters exchanges them; the signs follow. No branch: the loop is to be vectorised.
  const auto s_bits = std::bit_cast<std::uint64_t>(s);
  const auto k_bits = std::bit_cast<std::uint64_t>(k);
  const std::uint64_t both = (s_bits ^ k_bits) & (0 - (quarters & 1));
  cosine = std::bit_cast<double>(k_bits ^ both ^ (((quarters + 1) & 2) << 62));
  sine = std::bit_cast<double>(s_bits ^ both ^ ((quarters & 2) << 62));
}

// Pairs of normal numbers of as many words each.
[[gnu::always_inline]] inline void transform(const std::uint64_t* lengths, const std::uint64_t* angles,
                                             std::size_t pairs, double* cosines, double* sines) {
#pragma omp simd
  for (std::size_t p = 0; p < pairs; ++p) {
    const double length = std::sqrt(-2.0 * logarithm(2.0 - one_to_two(lengths[p])));
    double cosine = 0.0, sine = 0.0;
    turn(one_to_two(angles[p]) - 1.0, cosine, sine);
    cosines[p] = length * cosine;
    sines[p] = length * sine;
  }
}

using Transform = void (*)(const std::uint64_t*, const std::uint64_t*, std::size_t, double*, double*);

// Twice as fast with wider vectors, and the same bits: without fused multiplication and addition, which are other instructions.
#ifdef __x86_64__
[[gnu::target("avx2")]] void transform_wide(const std::uint64_t* lengths, const std::uint64_t* angles,
                                            std::size_t pairs, double* cosines, double* sines) {
  transform(lengths, angles, pairs, cosines, sines);
}
#endif

void transform_plain(const std::uint64_t* lengths, const std::uint64_t* angles, std::size_t pairs,
                     double* cosines, double* sines) {
  transform(lengths, angles, pairs, cosines, sines);
}

Transform best_transform() {
#ifdef __x86_64__
  if (best_instructions() != Instructions::baseline) return transform_wide;
#endif
  return transform_plain;
}

}  // namespace

void draw_normal_row(const CounterRandom& random, std::int64_t a, std::int64_t b, std::size_t count,
                     double* numbers) {
  static const Transform best = best_transform();
  std::uint64_t lengths[kPairs], angles[kPairs];
  double cosines[kPairs], sines[kPairs];
  const std::size_t all = (count + 1) / 2;
  for (std::size_t begin = 0; begin < all; begin += kPairs) {
    const std::size_t pairs = std::min(kPairs, all - begin);
    for (std::size_t p = 0; p < pairs; p += 2) {
      const auto words = random.bits(a, b, static_cast<std::int64_t>((begin + p) / 2));
      for (std::size_t half = 0; half < 2; ++half) {
        lengths[p + half] = words[2 * half];
        angles[p + half] = words[2 * half + 1];
      }
    }
    best(lengths, angles, pairs, cosines, sines);
    for (std::size_t p = 0; p < pairs; ++p) {
      numbers[2 * (begin + p)] = cosines[p];
      numbers[2 * (begin + p) + 1] = sines[p];
    }
  }
}

}  // namespace mano
