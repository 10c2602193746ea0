// The GPU's kernels, every block and thread of them, run on the CPU: who does what, and the answers against the CPU's own kernels.
#include "surrogate/attention_tile.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "surrogate/token_kernels.hpp"

namespace mano {
namespace {

using namespace tile;

const AttentionShape kShapes[] = {{1, 2, 2, 1, 8, 2, 1},    {2, 8, 16, 2, 8, 2, 1}, {2, 9, 17, 3, 8, 2, 1},
                                  {1, 23, 33, 1, 16, 2, 1}, {1, 7, 40, 2, 8, 2, 2}, {2, 10, 11, 1, 8, 3, 2},
                                  {1, 12, 18, 1, 16, 4, 2}, {1, 3, 100, 4, 8, 2, 1}};

TEST(AttentionTile, EveryTokenOfEveryHeadHasOneThread) {
  for (const AttentionShape& s : kShapes) {
    std::vector<int> threads(static_cast<std::size_t>(s.batch) * s.height * s.width * s.heads, 0);
    for (std::int64_t block = 0; block < block_count(s); ++block) {
      const Place p = place_of(s, block);
      for (int thread = 0; thread < kThreads; ++thread) {
        const Token t = token_of(s, p, thread);
        if (!t.inside) continue;
        ASSERT_TRUE(p.image < s.batch && p.head < s.heads && t.x < s.width && t.y < s.height);
        ++threads[token_number(s, p.image, t.y, t.x) * s.heads + p.head];
      }
    }
    for (int n : threads) EXPECT_EQ(n, 1);
  }
}

template <int K>
void expect_whole_halo(const AttentionShape& s) {
  constexpr int parts = 2;
  for (std::int64_t block = 0; block < block_count(s); ++block) {
    const Place p = place_of(s, block);
    std::set<std::pair<int, int>> filled;
    for (int i = 0; i < kHaloTokens<K> * parts; ++i) {
      const HaloPiece h = halo_piece<K>(s, p, i, parts);
      ASSERT_TRUE(h.shared >= 0 && h.shared < kHaloTokens<K> && h.part >= 0 && h.part < parts);
      EXPECT_TRUE(filled.insert({h.shared, h.part}).second);
      ASSERT_TRUE(h.token >= 0 && h.token < static_cast<std::int64_t>(s.batch) * s.height * s.width);
      EXPECT_TRUE(!h.inside || h.token / (s.height * s.width) == p.image);
    }
    EXPECT_EQ(filled.size(), static_cast<std::size_t>(kHaloTokens<K>) * parts);
    // A thread finds each neighbour of its token there.
    for (int thread = 0; thread < kThreads; ++thread) {
      const Token t = token_of(s, p, thread);
      for (int dy = -kReach<K>; dy <= kReach<K>; ++dy) {
        for (int dx = -kReach<K>; dx <= kReach<K>; ++dx) {
          const HaloPiece h = halo_piece<K>(s, p, halo_index<K>(thread, dy, dx) * parts, parts);
          const bool inside = t.x + dx >= 0 && t.x + dx < s.width && t.y + dy >= 0 && t.y + dy < s.height;
          EXPECT_EQ(h.inside, inside);
          EXPECT_TRUE(!inside || h.token == token_number(s, p.image, t.y + dy, t.x + dx));
        }
      }
    }
  }
}

TEST(AttentionTile, TheHaloIsFilledOnceAndNothingOutsideTheGridIsRead) {
  for (const AttentionShape& s : kShapes) {
    if (s.window == 2) expect_whole_halo<2>(s);
    if (s.window == 3) expect_whole_halo<3>(s);
    if (s.window == 4) expect_whole_halo<4>(s);
  }
}

TEST(AttentionTile, EightThreadsInARowMeetNoBankTwice) {
  const auto conflicts = [](int step_bytes) {
    std::set<int> groups;
    for (int thread = 0; thread < 8; ++thread) groups.insert(thread * step_bytes / 16 % 8);
    return 8 - static_cast<int>(groups.size());
  };
  EXPECT_EQ(conflicts(kSharedStep<float, 8> * 4), 0);
  EXPECT_EQ(conflicts(kSharedStep<float, 32> * 4), 0);
  EXPECT_EQ(conflicts(kSharedStep<float, 64> * 4), 0);
  EXPECT_EQ(conflicts(kSharedStep<BFloat16, 32> * 2), 0);
  EXPECT_EQ(conflicts(kSharedStep<BFloat16, 64> * 2), 0);
}

template <typename S>
std::vector<S> draw(std::size_t count, int seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<S> values(count);
  for (S& v : values) narrow(normal(generator), v);
  return values;
}

// One kernel: all threads fill shared memory, then all compute.
template <typename S, int D, int K, typename Fill, typename Compute>
void run_blocks(const AttentionShape& s, const Fill& fill, const Compute& compute) {
  struct alignas(16) Shared {
    S a[kHaloTokens<K> * kSharedStep<S, D>];
    S b[kHaloTokens<K> * kSharedStep<S, D>];
  };
  const auto shared = std::make_unique<Shared>();
  for (std::int64_t block = 0; block < block_count(s); ++block) {
    const Place p = place_of(s, block);
    for (int thread = 0; thread < kThreads; ++thread) fill(p, thread, shared->a, shared->b);
    for (int thread = 0; thread < kThreads; ++thread) compute(p, thread, shared->a, shared->b);
  }
}

template <typename S>
void expect_close(const std::vector<S>& actual, const std::vector<S>& expected, float tolerance) {
  float largest = 0, error = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_TRUE(std::isfinite(widen(actual[i]))) << "number " << i << " was not written";
    largest = std::max(largest, std::abs(widen(expected[i])));
    error = std::max(error, std::abs(widen(actual[i]) - widen(expected[i])));
  }
  EXPECT_LE(error, tolerance * largest);
}

template <typename S, int D, int K>
void expect_the_cpus_answers(const AttentionShape& s, float tolerance) {
  const std::size_t tokens = static_cast<std::size_t>(s.height) * s.width;
  const std::size_t inner = static_cast<std::size_t>(s.heads) * D;
  const int wide = static_cast<int>(inner);
  const auto qkv = draw<S>(s.batch * tokens * 3 * inner, 1);
  const auto d_out = draw<S>(s.batch * tokens * inner, 2);
  S unwritten;
  narrow(NAN, unwritten);
  std::vector<S> out(d_out.size(), unwritten), d_qkv(qkv.size(), unwritten);
  std::vector<float> coefficients(coefficient_count<K>(s), NAN);
  const auto fill_kv = [&](const Place& p, int thread, S* a, S* b) {
    load_halo<S, D, K>(s, p, thread, qkv.data(), 3 * inner, wide + p.head * D, a);
    load_halo<S, D, K>(s, p, thread, qkv.data(), 3 * inner, 2 * wide + p.head * D, b);
  };
  run_blocks<S, D, K>(s, fill_kv, [&](const Place& p, int thread, const S* k, const S* v) {
    attend<S, D, K>(s, p, thread, qkv.data(), k, v, out.data());
  });
  run_blocks<S, D, K>(s, fill_kv, [&](const Place& p, int thread, const S* k, const S* v) {
    attend_backward<S, D, K>(s, p, thread, qkv.data(), d_out.data(), k, v, d_qkv.data(), coefficients.data());
  });
  run_blocks<S, D, K>(
      s,
      [&](const Place& p, int thread, S* a, S* b) {
        load_halo<S, D, K>(s, p, thread, qkv.data(), 3 * inner, p.head * D, a);
        load_halo<S, D, K>(s, p, thread, d_out.data(), inner, p.head * D, b);
      },
      [&](const Place& p, int thread, const S* q, const S* g) {
        gather_backward<S, D, K>(s, p, thread, coefficients.data(), q, g, d_qkv.data());
      });

  const auto& kernels = token_kernels<S>();
  std::vector<S> expected(out.size()), d_expected(qkv.size());
  std::vector<float> scratch(kernels.attention_scratch(s));
  for (int image = 0; image < s.batch; ++image) {
    const std::size_t at = image * tokens * inner;
    kernels.attention(s, 0, s.height, qkv.data() + 3 * at, expected.data() + at, scratch.data());
    kernels.attention_backward(s, 0, s.height, false, qkv.data() + 3 * at, d_out.data() + at,
                               d_expected.data() + 3 * at, scratch.data());
  }
  expect_close(out, expected, tolerance);
  expect_close(d_qkv, d_expected, tolerance);
}

TEST(AttentionTile, AnswersAndGradientsAreTheCpus) {
  for (const AttentionShape& s : kShapes) {
    if (s.window == 2 && s.dim_head == 8) {
      expect_the_cpus_answers<float, 8, 2>(s, 1e-5f);
      expect_the_cpus_answers<BFloat16, 8, 2>(s, 1e-2f);
    }
    if (s.window == 2 && s.dim_head == 16) expect_the_cpus_answers<float, 16, 2>(s, 1e-5f);
    if (s.window == 3) expect_the_cpus_answers<float, 8, 3>(s, 1e-5f);
    if (s.window == 4) expect_the_cpus_answers<float, 16, 4>(s, 1e-5f);
  }
  expect_the_cpus_answers<float, 32, 2>({1, 9, 18, 2, 32, 2, 1}, 1e-5f);
  expect_the_cpus_answers<BFloat16, 64, 2>({1, 9, 18, 1, 64, 2, 1}, 1e-2f);
}

}  // namespace
}  // namespace mano
