// The loops of a block against plain ones: attention against its twin and finite differences, the moves between levels
// against each other, in every type of operand.
#include "surrogate/kernels/token_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "surrogate/kernels/attention_reference.hpp"

namespace mano {
namespace {

std::vector<double> draw(std::size_t count, int seed, double size = 1.0) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0.0, size);
  std::vector<double> values(count);
  for (double& v : values) v = normal(generator);
  return values;
}

template <typename S>
std::vector<S> narrowed(const std::vector<double>& values) {
  std::vector<S> list;
  for (double v : values) {
    if constexpr (std::is_same_v<S, BFloat16>) {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(v));
      list.push_back({static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)});
    } else {
      list.push_back(static_cast<S>(v));
    }
  }
  return list;
}

template <typename S>
std::vector<double> widened(const std::vector<S>& values) {
  std::vector<double> list;
  for (S v : values) {
    if constexpr (std::is_same_v<S, BFloat16>) {
      list.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(v.bits) << 16));
    } else {
      list.push_back(v);
    }
  }
  return list;
}

std::size_t tokens(const AttentionShape& s) {
  return static_cast<std::size_t>(s.height) * s.width;
}
std::size_t inner(const AttentionShape& s) {
  return static_cast<std::size_t>(s.heads) * s.dim_head;
}

// Part q, k or v of [tokens, 3, h d].
std::vector<double> part(const AttentionShape& s, const std::vector<double>& qkv, int which) {
  std::vector<double> list;
  for (std::size_t t = 0; t < tokens(s); ++t) {
    const auto begin = qkv.begin() + static_cast<std::ptrdiff_t>((3 * t + which) * inner(s));
    list.insert(list.end(), begin, begin + static_cast<std::ptrdiff_t>(inner(s)));
  }
  return list;
}

std::vector<double> reference(const AttentionShape& s, const std::vector<double>& qkv) {
  return overlapping_attention_reference(s, part(s, qkv, 0), part(s, qkv, 1), part(s, qkv, 2));
}

template <typename S>
std::vector<double> attention(const AttentionShape& s, const std::vector<double>& qkv, int rows_at_once) {
  const auto& kernels = token_kernels<S>();
  const auto in = narrowed<S>(qkv);
  std::vector<S> out(tokens(s) * inner(s));
  std::vector<Sum<S>> scratch(kernels.attention_scratch(s));
  for (int y = 0; y < s.height; y += rows_at_once) {
    kernels.attention(s, y, std::min(s.height, y + rows_at_once), in.data(),
                      out.data() + y * s.width * inner(s), scratch.data());
  }
  return widened(out);
}

// In pieces of some rows; a piece goes on from the one before it, or begins anew.
template <typename S>
std::vector<double> attention_gradient(const AttentionShape& s, const std::vector<double>& qkv,
                                       const std::vector<double>& d_out, int rows_at_once, bool continued) {
  const auto& kernels = token_kernels<S>();
  const auto in = narrowed<S>(qkv);
  const auto d = narrowed<S>(d_out);
  std::vector<S> out(in.size());
  std::vector<Sum<S>> scratch(kernels.attention_scratch(s), 99);
  for (int y = 0; y < s.height; y += rows_at_once) {
    kernels.attention_backward(s, y, std::min(s.height, y + rows_at_once), continued && y > 0, in.data(),
                               d.data(), out.data() + y * s.width * 3 * inner(s), scratch.data());
  }
  return widened(out);
}

void expect_close(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  double largest = 0.0, error = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    error = std::max(error, std::abs(actual[i] - expected[i]));
    ASSERT_TRUE(std::isfinite(actual[i]));
  }
  EXPECT_LE(error, tolerance * largest);
}

class AttentionLoops : public ::testing::TestWithParam<AttentionShape> {};

TEST_P(AttentionLoops, AgreesWithTheTwinInEveryTypeAndInPieces) {
  const AttentionShape s = GetParam();
  const auto qkv = draw(tokens(s) * 3 * inner(s), 1);
  for (int rows : {1, 3, s.height}) {
    expect_close(attention<double>(s, qkv, rows), reference(s, qkv), 1e-13);
    expect_close(attention<float>(s, qkv, rows), reference(s, qkv), 3e-6);
    const auto rounded = widened(narrowed<BFloat16>(qkv));
    expect_close(attention<BFloat16>(s, rounded, rows), reference(s, rounded), 5e-3);
  }
}

// Along random directions, since every number's own derivative would take long.
TEST_P(AttentionLoops, GradientAgreesWithDifferencesOfTheTwin) {
  const AttentionShape s = GetParam();
  const auto qkv = draw(tokens(s) * 3 * inner(s), 1);
  const auto d_out = draw(tokens(s) * inner(s), 2);
  const auto gradient = attention_gradient<double>(s, qkv, d_out, s.height, false);
  for (int direction = 0; direction < 4; ++direction) {
    const auto along = draw(qkv.size(), 10 + direction);
    const auto loss = [&](double step) {
      auto moved = qkv;
      for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * along[i];
      const auto out = reference(s, moved);
      double sum = 0.0;
      for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] * d_out[i];
      return sum;
    };
    const double h = 1e-4;  // fourth order: the error is about h^4
    const double expected = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h);
    double actual = 0.0, size = 0.0;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      actual += gradient[i] * along[i];
      size += std::pow(gradient[i] * along[i], 2);
    }
    EXPECT_NEAR(actual, expected, 1e-8 * (1 + std::sqrt(size)));
  }
}

TEST_P(AttentionLoops, GradientIsTheSameInPiecesAndCloseInEveryType) {
  const AttentionShape s = GetParam();
  const auto qkv = widened(narrowed<BFloat16>(draw(tokens(s) * 3 * inner(s), 1)));
  const auto d_out = widened(narrowed<BFloat16>(draw(tokens(s) * inner(s), 2)));
  const auto whole = attention_gradient<double>(s, qkv, d_out, s.height, false);
  for (int rows : {1, 2, 5}) {
    EXPECT_EQ(attention_gradient<double>(s, qkv, d_out, rows, true), whole);
    EXPECT_EQ(attention_gradient<double>(s, qkv, d_out, rows, false), whole);
    expect_close(attention_gradient<float>(s, qkv, d_out, rows, true), whole, 1e-5);
    expect_close(attention_gradient<BFloat16>(s, qkv, d_out, rows, true), whole, 1e-2);
  }
}

// Scores so far apart that only the largest of a window counts.
TEST_P(AttentionLoops, HoldsForLargeScores) {
  const AttentionShape s = GetParam();
  const auto qkv = draw(tokens(s) * 3 * inner(s), 3, 30.0);
  expect_close(attention<double>(s, qkv, s.height), reference(s, qkv), 1e-12);
  const auto rounded = widened(narrowed<float>(qkv));
  expect_close(attention<float>(s, rounded, s.height), reference(s, rounded), 2e-3);
}

INSTANTIATE_TEST_SUITE_P(
    AwkwardSizes, AttentionLoops,
    ::testing::Values(AttentionShape{1, 2, 2, 1, 8, 2, 1}, AttentionShape{1, 7, 5, 3, 8, 2, 1},
                      AttentionShape{1, 9, 17, 4, 32, 2, 1}, AttentionShape{1, 3, 33, 2, 16, 2, 1},
                      AttentionShape{1, 6, 6, 1, 64, 2, 1}, AttentionShape{1, 5, 8, 2, 5, 2, 1},
                      AttentionShape{1, 8, 7, 2, 8, 2, 2}, AttentionShape{1, 9, 10, 2, 32, 3, 2},
                      AttentionShape{1, 11, 9, 1, 12, 4, 3}, AttentionShape{1, 4, 4, 2, 16, 4, 1}));

TEST(Normalize, IsTwoLayerNormsAndItsGradientIsTheDifference) {
  const int channels = 21;  // a whole vector and a rest
  const std::ptrdiff_t rows = 3;
  const auto x = draw(rows * channels, 1), w1 = draw(channels, 2), b1 = draw(channels, 3),
             w2 = draw(channels, 4), b2 = draw(channels, 5), d_out = draw(rows * channels, 6),
             add = draw(rows * channels, 7);
  const auto norm = [&](const double* in, const std::vector<double>& w, const std::vector<double>& b) {
    double mean = 0.0, variance = 0.0;
    for (int c = 0; c < channels; ++c) mean += in[c] / channels;
    for (int c = 0; c < channels; ++c) variance += (in[c] - mean) * (in[c] - mean) / channels;
    std::vector<double> out;
    for (int c = 0; c < channels; ++c)
      out.push_back((in[c] - mean) / std::sqrt(variance + 1e-5) * w[c] + b[c]);
    return out;
  };
  const auto expected = [&](const std::vector<double>& in) {
    std::vector<double> out;
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
      const auto once = norm(in.data() + r * channels, w1, b1);
      const auto twice = norm(once.data(), w2, b2);
      out.insert(out.end(), twice.begin(), twice.end());
    }
    return out;
  };
  const NormWeights<double> weights{w1.data(), b1.data(), w2.data(), b2.data()};
  const auto& kernels = token_kernels<double>();
  std::vector<double> out(x.size());
  kernels.normalize(rows, channels, x.data(), weights, out.data());
  expect_close(out, expected(x), 1e-13);

  std::vector<double> sums(4 * channels, 0.0), d_x(x.size());
  kernels.normalize_backward(
      rows, channels, x.data(), weights, d_out.data(), add.data(), d_x.data(),
      {sums.data(), sums.data() + channels, sums.data() + 2 * channels, sums.data() + 3 * channels});
  std::vector<double> differences(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double h = 1e-5;
    auto up = x, down = x;
    up[i] += h;
    down[i] -= h;
    const auto a = expected(up), b = expected(down);
    differences[i] = add[i];
    for (std::size_t o = 0; o < out.size(); ++o) differences[i] += (a[o] - b[o]) / (2 * h) * d_out[o];
  }
  expect_close(d_x, differences, 1e-8);
  double bias = 0.0;
  for (std::ptrdiff_t r = 0; r < rows; ++r) bias += d_out[r * channels + 4];
  EXPECT_NEAR(sums[3 * channels + 4], bias, 1e-14);
}

template <typename S>
double gelu(double x) {
  const auto in = narrowed<S>({x});
  const Sum<S> bias = 0;
  std::vector<S> out(1);
  token_kernels<S>().gelu(1, 1, in.data(), &bias, out.data());
  return widened(out)[0];
}

TEST(Gelu, IsExact) {
  for (double x = -12; x < 12; x += 0.037) {
    const double expected = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    EXPECT_NEAR(gelu<double>(x), expected, 1e-15 * (1 + std::abs(x)));
    EXPECT_NEAR(gelu<float>(x), expected, 4e-7 * (1 + std::abs(x)));
  }
}

TEST(Gelu, GradientIsTheDifference) {
  const std::vector<double> x = draw(40, 1, 2.0), bias = draw(20, 2), d_out = draw(40, 3);
  std::vector<double> out(40), d_x(40), d_bias(20, 0.0);
  token_kernels<double>().gelu_backward(2, 20, x.data(), bias.data(), d_out.data(), out.data(), d_x.data(),
                                        d_bias.data());
  for (int i = 0; i < 40; ++i) {
    const double at = x[i] + bias[i % 20];
    EXPECT_NEAR(out[i], gelu<double>(at), 1e-15);
    EXPECT_NEAR(d_x[i], d_out[i] * (gelu<double>(at + 1e-5) - gelu<double>(at - 1e-5)) / 2e-5, 1e-9);
  }
  EXPECT_NEAR(d_bias[3], d_x[3] + d_x[23], 1e-14);
}

// <gather(x), y> = <x, scatter(y)>, on sizes that the rate does not divide, and whatever the pieces.
TEST(Blocks, ScatteringIsTheTransposeOfGathering) {
  const LevelShape s{5, 7, 3, 19};
  const auto& kernels = token_kernels<double>();
  const std::size_t fine = static_cast<std::size_t>(5) * 7 * 19,
                    coarse = static_cast<std::size_t>(2) * 3 * 9 * 19;
  const auto x = draw(fine, 1), y = draw(coarse, 2);
  for (bool repeated : {true, false}) {
    std::vector<double> blocks(coarse), back(fine, 0.0);
    for (int row = 0; row < 2; ++row) {
      const std::size_t at = row * coarse / 2;
      kernels.gather_blocks(s, row, row + 1, x.data(), 0.5, !repeated, blocks.data() + at);
      kernels.scatter_blocks(s, row, row + 1, y.data() + at, 0.5, repeated, back.data());
    }
    double forth = 0.0, other = 0.0;
    for (std::size_t i = 0; i < coarse; ++i) forth += blocks[i] * y[i];
    for (std::size_t i = 0; i < fine; ++i) other += x[i] * back[i];
    EXPECT_NEAR(forth, other, 1e-12);
    EXPECT_EQ(blocks[(1 * 3 + 1) * 19 + 2],
              0.5 * x[(1 * 7 + 1) * 19 + 2]);  // row 1, column 1 of the first block
    const double last = blocks[coarse - 1];    // row 5, column 8: outside
    EXPECT_EQ(last, repeated ? 0.5 * x[fine - 1] : 0.0);
  }
}

}  // namespace
}  // namespace mano
