// The GPU's kernels, every block and thread of them, run on the CPU: who does what, and the answers against the CPU's own kernels.
#include "surrogate/kernels/attention_tile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "surrogate/kernels/token_kernels.hpp"

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

template <int K, int parts>
void expect_all_pieces_brought_once() {
  std::set<std::pair<int, int>> brought;
  for (int thread = 0; thread < kThreads; ++thread) {
    const Share share = share_of<parts>(thread);
    ASSERT_TRUE(share.part >= 0 && share.part < parts);
    for (int token = share.first; token < kHaloTokens<K>; token += kThreads / parts)
      EXPECT_TRUE(brought.insert({token, share.part}).second);
  }
  EXPECT_EQ(brought.size(), static_cast<std::size_t>(kHaloTokens<K>) * parts);
}

template <int K>
void expect_whole_halo(const AttentionShape& s) {
  for (std::int64_t block = 0; block < block_count(s); ++block) {
    const Place p = place_of(s, block);
    for (int token = 0; token < kHaloTokens<K>; ++token) {
      const int number = halo_token<K>(s, p, token).number;
      ASSERT_TRUE(number >= 0 && number < s.height * s.width);
    }
    // A thread finds each neighbour of its token there.
    for (int thread = 0; thread < kThreads; ++thread) {
      const Token t = token_of(s, p, thread);
      for (int dy = -kReach<K>; dy <= kReach<K>; ++dy) {
        for (int dx = -kReach<K>; dx <= kReach<K>; ++dx) {
          const HaloToken h = halo_token<K>(s, p, halo_index<K>(thread, dy, dx));
          const bool inside = t.x + dx >= 0 && t.x + dx < s.width && t.y + dy >= 0 && t.y + dy < s.height;
          EXPECT_EQ(h.inside, inside);
          EXPECT_TRUE(!inside || h.number == (t.y + dy) * s.width + t.x + dx);
        }
      }
    }
  }
}

template <int K>
void expect_all_pieces_brought_once() {
  expect_all_pieces_brought_once<K, 1>();
  expect_all_pieces_brought_once<K, 2>();
  expect_all_pieces_brought_once<K, 4>();
  expect_all_pieces_brought_once<K, 8>();
  expect_all_pieces_brought_once<K, 16>();
}

TEST(AttentionTile, TheHaloIsFilledOnceAndNothingOutsideTheGridIsRead) {
  expect_all_pieces_brought_once<2>();
  expect_all_pieces_brought_once<3>();
  expect_all_pieces_brought_once<4>();
  for (const AttentionShape& s : kShapes) {
    if (s.window == 2) expect_whole_halo<2>(s);
    if (s.window == 3) expect_whole_halo<3>(s);
    if (s.window == 4) expect_whole_halo<4>(s);
  }
}

// Given to the kernels' functions as an array, it writes down which bytes they would load or store, sixteen at a time.
template <typename S>
struct Recorded {
  std::vector<std::int64_t>* bytes;
  std::int64_t at = 0;
  Recorded operator+(std::int64_t numbers) const { return {bytes, at + numbers}; }
};
template <typename S>
Piece<S> load_piece(const Recorded<S>& from) {
  from.bytes->push_back(from.at * static_cast<std::int64_t>(sizeof(S)));
  return {};
}
template <typename S>
void store_piece(const Piece<S>&, const Recorded<S>& to) {
  to.bytes->push_back(to.at * static_cast<std::int64_t>(sizeof(S)));
}

template <typename S>
void store_shared_if(bool condition, const Piece<S>& piece, const Recorded<S>& to) {
  if (condition) store_piece(piece, to);
}

// Eight threads of a warp are served at a time where each moves sixteen bytes. Requests: by warp, by turn, by thread.
using Eight = std::vector<std::int64_t>;
using Recording = std::array<std::vector<std::int64_t>, kThreads>;
std::vector<Eight> eights(const Recording& threads) {
  std::vector<Eight> requests;
  for (int first = 0; first < kThreads; first += 8) {
    for (std::size_t turn = 0;; ++turn) {
      Eight eight;
      for (int thread = first; thread < first + 8; ++thread)
        if (turn < threads[thread].size()) eight.push_back(threads[thread][turn]);
      if (eight.empty()) break;
      requests.push_back(eight);
    }
  }
  return requests;
}

// The 32 banks of 4 bytes give a word each at a time; the same word to any number of threads.
int turns_of_banks(const Eight& eight) {
  std::array<std::set<std::int64_t>, 32> words;
  for (const std::int64_t byte : eight)
    for (std::int64_t word = byte / 4; word < byte / 4 + 4; ++word) words[word % 32].insert(word);
  std::size_t most = 0;
  for (const auto& bank : words) most = std::max(most, bank.size());
  return static_cast<int>(most);
}
void expect_no_bank_twice(const Recording& threads, const char* what) {
  int twice = 0;
  for (const Eight& eight : eights(threads)) twice += turns_of_banks(eight) - 1;
  EXPECT_EQ(twice, 0) << what;
}

// Memory comes in sectors of 32 bytes.
std::size_t sectors(const Eight& bytes) {
  std::set<std::int64_t> touched;
  for (const std::int64_t byte : bytes) touched.insert(byte / 32);
  return touched.size();
}

template <typename S, int D, int K>
void expect_free_banks_and_whole_sectors() {
  SCOPED_TRACE(testing::Message() << sizeof(S) << " bytes a number, D = " << D << ", K = " << K);
  const AttentionShape s{1, 3 * kHeight, 3 * kWidth, 3, D, K, 1};
  const Place middle{0, 1, kWidth, kHeight};  // its halo lies inside the grid
  const int inner = s.heads * D;
  // A head's numbers of a token may be less than a sector; nothing else of it is wasted.
  const int head_bytes = D * static_cast<int>(sizeof(S)), sector = std::min(head_bytes, 32);

  Recording from, shared;
  for (int thread = 0; thread < kThreads; ++thread)
    load_halo<S, D, K>(s, middle, thread, Recorded<S>{&from[thread]}, 3 * inner, inner + middle.head * D,
                       Recorded<S>{&shared[thread]});
  expect_no_bank_twice(shared, "the halo is filled");
  for (const Eight& eight : eights(from)) EXPECT_EQ(sectors(eight) * sector, eight.size() * 16);

  // A thread has a token of its own: a sector each, whose second half comes from the cache.
  const auto expect_sectors = [&](const Recording& own) {
    Eight all;
    for (const Eight& eight : eights(own)) {
      EXPECT_EQ(sectors(eight), 8u);
      all.insert(all.end(), eight.begin(), eight.end());
    }
    EXPECT_EQ(sectors(all) * sector, static_cast<std::size_t>(kThreads) * head_bytes);
  };
  const auto own_token = [&](int thread) {
    const Token t = token_of(s, middle, thread);
    return token_number(s, middle.image, t.y, t.x) * 3 * inner + middle.head * D;
  };
  Recording mine, keys;
  float numbers[kNeighbours<K>] = {};
  for (int thread = 0; thread < kThreads; ++thread)
    dots_with_neighbours<S, D, K>(thread, Recorded<S>{&mine[thread], own_token(thread)},
                                  Recorded<S>{&keys[thread]}, 1.0f, numbers);
  expect_no_bank_twice(keys, "dots");
  expect_sectors(mine);

  Recording values, to, reversed_values, reversed_to;
  for (int thread = 0; thread < kThreads; ++thread) {
    sum_over_neighbours<S, D, K, false>(thread, numbers, Recorded<S>{&values[thread]},
                                        Recorded<S>{&to[thread], own_token(thread)});
    sum_over_neighbours<S, D, K, true>(thread, numbers, Recorded<S>{&reversed_values[thread]},
                                       Recorded<S>{&reversed_to[thread], own_token(thread)});
  }
  expect_no_bank_twice(values, "sums");
  expect_no_bank_twice(reversed_values, "reversed sums");
  expect_sectors(to);
  expect_sectors(reversed_to);
}

template <typename S, int K>
void expect_free_banks_and_whole_sectors() {
  expect_free_banks_and_whole_sectors<S, 8, K>();
  expect_free_banks_and_whole_sectors<S, 16, K>();
  expect_free_banks_and_whole_sectors<S, 32, K>();
  expect_free_banks_and_whole_sectors<S, 64, K>();
}

TEST(AttentionTile, NoBankIsMetTwiceAndNoSectorIsWasted) {
  expect_free_banks_and_whole_sectors<float, 2>();
  expect_free_banks_and_whole_sectors<BFloat16, 2>();
  expect_free_banks_and_whole_sectors<float, 3>();
  expect_free_banks_and_whole_sectors<BFloat16, 3>();
  expect_free_banks_and_whole_sectors<float, 4>();
  expect_free_banks_and_whole_sectors<BFloat16, 4>();
}

// What a block may ask for on an A100 (sm_80) and on an H100 (sm_90).
constexpr int kMostOfA100 = 163 * 1024, kMostOfH100 = 227 * 1024;
template <typename S, int K>
constexpr int kMostShared = std::max({kSharedBytes<S, 8, K>, kSharedBytes<S, 16, K>, kSharedBytes<S, 32, K>,
                                      kSharedBytes<S, 64, K>});
static_assert(kMostShared<BFloat16, 2> <= kMostOfA100 && kMostShared<float, 2> <= kMostOfA100);
static_assert(kMostShared<BFloat16, 3> <= kMostOfA100 && kMostShared<float, 3> <= kMostOfA100);
static_assert(kMostShared<BFloat16, 4> <= kMostOfA100 && kSharedBytes<float, 32, 4> <= kMostOfA100);
static_assert(kSharedBytes<float, 64, 4> == 167552 && kMostOfA100 < 167552, "the one that an A100 refuses");
static_assert(kSharedBytes<float, 64, 4> <= kMostOfH100);

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
    if (s.stride == 1) {
      attend<S, D, K, true>(s, p, thread, qkv.data(), k, v, out.data());
    } else {
      attend<S, D, K, false>(s, p, thread, qkv.data(), k, v, out.data());
    }
  });
  run_blocks<S, D, K>(s, fill_kv, [&](const Place& p, int thread, const S* k, const S* v) {
    if (s.stride == 1) {
      attend_backward<S, D, K, true>(s, p, thread, qkv.data(), d_out.data(), k, v, d_qkv.data(),
                                     coefficients.data());
    } else {
      attend_backward<S, D, K, false>(s, p, thread, qkv.data(), d_out.data(), k, v, d_qkv.data(),
                                      coefficients.data());
    }
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
    if (s.window == 3) expect_the_cpus_answers<BFloat16, 8, 3>(s, 1e-2f);
    if (s.window == 4) expect_the_cpus_answers<float, 16, 4>(s, 1e-5f);
    if (s.window == 4) expect_the_cpus_answers<BFloat16, 16, 4>(s, 1e-2f);
  }
  expect_the_cpus_answers<float, 32, 2>({1, 9, 18, 2, 32, 2, 1}, 1e-5f);
  expect_the_cpus_answers<BFloat16, 64, 2>({1, 9, 18, 1, 64, 2, 1}, 1e-2f);
  expect_the_cpus_answers<float, 8, 4>({2, 11, 19, 2, 8, 4, 1}, 1e-5f);
}

}  // namespace
}  // namespace mano
