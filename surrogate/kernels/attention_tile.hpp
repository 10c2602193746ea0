#pragma once
// Overlapping-window attention on a GPU, all but launching: how tokens are dealt to blocks and threads, what a thread loads and
// what it computes. Plain functions for host and device, so that a CPU test runs every block and thread of them
// (tests/surrogate/kernels/attention_tile_test.cpp); surrogate/kernels/cuda_attention.cu calls them between its barriers. Numbers:
// tile_numbers.hpp, places: tile_places.hpp.
//
// A block of 128 threads takes a tile of 16 x 8 tokens of one head of one image, a thread a token. What the neighbours of
// the tile's tokens share lies in shared memory, with a halo of K - 1 tokens, an odd number of 16 bytes from token to token so
// that eight threads reading 16 bytes each meet no bank twice. S is float or BFloat16; sums are float. Equations: docs/mano.md.
//
// What is indexed by neighbour lives in registers: loops over neighbours are unrolled whole, and scripts/check-kernels sees to it
// that no kernel keeps a stack.
//
//   forward     shared: k, v          out = sum_n c_n v_n
//   backward 1  shared: k, v          d_q, and the coefficients c and d_s of every token and neighbour, to memory
//   backward 2  shared: q, d_out      d_k, d_v = sums over the tokens that read this one

#include <cstdint>

#include "core/host_device.hpp"
#include "surrogate/kernels/attention_shape.hpp"
#include "surrogate/kernels/tile_numbers.hpp"
#include "surrogate/kernels/tile_places.hpp"

namespace mano::tile {

/// A thread's share of filling shared memory from `source`, `step` numbers from token to token, the head's at `offset`; zero
/// outside.
template <typename S, int D, int K, typename From, typename To>
MANO_BOTH inline void load_halo(const AttentionShape& s, const Place& p, int thread, From source, int step,
                                int offset, To shared) {
  constexpr int parts = D / Piece<S>::kCount;
  const Share share = share_of<parts>(thread);
  const auto from = source + (token_number(s, p.image, 0, 0) * step + offset + share.part * Piece<S>::kCount);
  constexpr int turns = kHaloTokens<K> * parts / kThreads;  // of all threads; some have one more
  const auto bring = [&](int turn) {
    const int token = share.first + turn * (kThreads / parts);
    const bool exists = turn < turns || token < kHaloTokens<K>;
    const HaloToken h = halo_token<K>(s, p, token);
    Piece<S> piece{};
    if (exists && h.inside) piece = load_piece(from + static_cast<std::int64_t>(h.number) * step);
    store_shared_if(exists, piece, shared + (token * kSharedStep<S, D> + share.part * Piece<S>::kCount));
  };
  MANO_UNROLL(K == 2 ? (turns < 11 ? turns : 11) : 4)  // loads that are under way at once
  for (int turn = 0; turn < turns; ++turn) bring(turn);
  bring(turns);
}

/// Pieces of a token that a kernel's code has one after another: 32 numbers, for more would outgrow the instruction cache.
template <typename S, int D, int K>
inline constexpr int kUnrolledParts = K == 2 ? (D < 32 ? D : 32) / Piece<S>::kCount : 1;

/// dots[n] = factor * mine . (shared of neighbour n); mine: the head's D numbers in memory.
template <typename S, int D, int K, typename Mine, typename Shared>
MANO_BOTH inline void dots_with_neighbours(int thread, Mine mine, Shared shared, float factor, float* dots) {
  MANO_UNROLL(kNeighbours<K>)
  for (int n = 0; n < kNeighbours<K>; ++n) dots[n] = 0;
  MANO_UNROLL((kUnrolledParts<S, D, K>))
  for (int part = 0; part < D; part += Piece<S>::kCount) {
    const Piece<S> a = load_piece(mine + part);
    MANO_UNROLL(kNeighbours<K>)
    for (int n = 0; n < kNeighbours<K>; ++n) {
      const int at = halo_index<K>(thread, n / (2 * K - 1) - kReach<K>, n % (2 * K - 1) - kReach<K>);
      const Piece<S> b = load_piece(shared + (at * kSharedStep<S, D> + part));
      for (int i = 0; i < Piece<S>::kCount; ++i) dots[n] += number(a, i) * number(b, i);
    }
  }
  MANO_UNROLL(kNeighbours<K>)
  for (int n = 0; n < kNeighbours<K>; ++n) dots[n] *= factor;
}

/// to = sum over n of factors[n] * (shared of neighbour n), or, `reversed`, of the token that has this one as its neighbour n.
template <typename S, int D, int K, bool reversed, typename Shared, typename To>
MANO_BOTH inline void sum_over_neighbours(int thread, const float* factors, Shared shared, To to) {
  MANO_UNROLL((kUnrolledParts<S, D, K>))
  for (int part = 0; part < D; part += Piece<S>::kCount) {
    float sums[Piece<S>::kCount] = {};
    MANO_UNROLL(kNeighbours<K>)
    for (int n = 0; n < kNeighbours<K>; ++n) {
      const int dy = n / (2 * K - 1) - kReach<K>;
      const int dx = n % (2 * K - 1) - kReach<K>;
      const int at = halo_index<K>(thread, reversed ? -dy : dy, reversed ? -dx : dx);
      const Piece<S> b = load_piece(shared + (at * kSharedStep<S, D> + part));
      for (int i = 0; i < Piece<S>::kCount; ++i) sums[i] += factors[n] * number(b, i);
    }
    store_piece(piece_of(sums, S{}), to + part);
  }
}

/// 1 / sqrt(D), known to the compiler, by Newton's iteration.
constexpr float inverse_root(int d) {
  double x = 1.0 / d;
  for (int i = 0; i < 30; ++i) x *= 1.5 - 0.5 * d * x * x;
  return static_cast<float>(x);
}
template <int D>
inline constexpr float kScoreScale = inverse_root(D);
static_assert(kScoreScale<16> == 0.25f && kScoreScale<64> == 0.125f);
/// log2(e): scores are kept times it, so that their exponential is a power of two.
inline constexpr float kLog2OfE = 1.4426950408889634f;

/// From the scores of a token's neighbours, times log2(e): their softmax in each of its windows, averaged, c; with d_c, the
/// gradient of c, also that of the scores.
template <int K, bool backward, bool stride_one>
MANO_BOTH inline void softmax_over_windows(const AttentionShape& s, const Token& t, const float* scores,
                                           const float* d_c, float* c, float* d_scores) {
  const auto neighbour = [](int a, int b) {
    return (b / K - a / K + kReach<K>)*(2 * K - 1) + b % K - a % K + kReach<K>;
  };
  const int stride = stride_one ? 1 : s.stride;
  int windows = 0;
  MANO_UNROLL(K * K)
  for (int a = 0; a < K * K; ++a) {
    windows +=
        window_exists(t.y, a / K, s.height, K, stride) && window_exists(t.x, a % K, s.width, K, stride);
  }
  const float share = reciprocal(static_cast<float>(windows));  // infinite, and not used, where there is none
  MANO_UNROLL(kNeighbours<K>)
  for (int n = 0; n < kNeighbours<K>; ++n) {
    c[n] = 0;
    if (backward) d_scores[n] = 0;
  }
  MANO_UNROLL(K * K)
  for (int a = 0; a < K * K; ++a) {
    const bool exists =
        window_exists(t.y, a / K, s.height, K, stride) && window_exists(t.x, a % K, s.width, K, stride);
    if (!exists) continue;
    float e[K * K];
    float most = -3.4e38f, total = 0, mean = 0;
    MANO_UNROLL(K * K)
    for (int b = 0; b < K * K; ++b) most = larger(scores[neighbour(a, b)], most);
    MANO_UNROLL(K * K)
    for (int b = 0; b < K * K; ++b) total += e[b] = power_of_two(scores[neighbour(a, b)] - most);
    const float inverse = reciprocal(total);
    const float weight = inverse * share;
    MANO_UNROLL(K * K)
    for (int b = 0; b < K * K; ++b) {
      if (backward) mean += e[b] * d_c[neighbour(a, b)];
      e[b] *= weight;
      c[neighbour(a, b)] += e[b];
    }
    if (!backward) continue;
    mean *= inverse;
    MANO_UNROLL(K * K)
    for (int b = 0; b < K * K; ++b) d_scores[neighbour(a, b)] += e[b] * (d_c[neighbour(a, b)] - mean);
  }
}

/// Forward: a thread's token. k, v: shared.
template <typename S, int D, int K, bool stride_one>
MANO_BOTH inline void attend(const AttentionShape& s, const Place& p, int thread, const S* qkv, const S* k,
                             const S* v, S* out) {
  const Token t = token_of(s, p, thread);
  if (!t.inside) return;
  const std::int64_t token = token_number(s, p.image, t.y, t.x);
  const int inner = s.heads * D;
  float scores[kNeighbours<K>], c[kNeighbours<K>];
  dots_with_neighbours<S, D, K>(thread, qkv + (token * 3 * inner + p.head * D), k, kScoreScale<D> * kLog2OfE,
                                scores);
  softmax_over_windows<K, false, stride_one>(s, t, scores, nullptr, c, nullptr);
  sum_over_neighbours<S, D, K, false>(thread, c, v, out + (token * inner + p.head * D));
}

/// Backward 1: d_q of a thread's token, and its coefficients.
template <typename S, int D, int K, bool stride_one>
MANO_BOTH inline void attend_backward(const AttentionShape& s, const Place& p, int thread, const S* qkv,
                                      const S* d_out, const S* k, const S* v, S* d_qkv, float* coefficients) {
  const Token t = token_of(s, p, thread);
  if (!t.inside) return;
  const std::int64_t token = token_number(s, p.image, t.y, t.x);
  const int inner = s.heads * D;
  const S* q = qkv + (token * 3 * inner + p.head * D);
  const S* g = d_out + (token * inner + p.head * D);
  float* at = coefficients + (plane_offset<K>(s, p, 0) + (t.y * s.width + t.x));
  const std::int64_t plane = s.height * s.width;
  const auto write = [&](const float* numbers) {
    MANO_UNROLL(kNeighbours<K>)
    for (int n = 0; n < kNeighbours<K>; ++n, at += plane) *at = numbers[n];
  };
  float scores[kNeighbours<K>], d_c[kNeighbours<K>], c[kNeighbours<K>], d_scores[kNeighbours<K>];
  dots_with_neighbours<S, D, K>(thread, q, k, kScoreScale<D> * kLog2OfE, scores);
  if constexpr (K == 4) {  // registers do not hold all four: c first, then the softmax once more
    softmax_over_windows<K, false, stride_one>(s, t, scores, nullptr, c, nullptr);
    write(c);
    MANO_UNROLL(kNeighbours<K>)
    for (int n = 0; n < kNeighbours<K>; ++n) forget_results(scores[n]);
  }
  dots_with_neighbours<S, D, K>(thread, g, v, 1.0f, d_c);
  softmax_over_windows<K, true, stride_one>(s, t, scores, d_c, c, d_scores);
  if constexpr (K != 4) write(c);
  MANO_UNROLL(kNeighbours<K>)
  for (int n = 0; n < kNeighbours<K>; ++n) d_scores[n] *= kScoreScale<D>;
  write(d_scores);
  if constexpr (K > 2 || D > 8) forget_loads();
  sum_over_neighbours<S, D, K, false>(thread, d_scores, k, d_qkv + (token * 3 * inner + p.head * D));
}

/// Backward 2: d_k and d_v of a thread's token. q, g: shared, of qkv and of d_out.
template <typename S, int D, int K>
MANO_BOTH inline void gather_backward(const AttentionShape& s, const Place& p, int thread,
                                      const float* coefficients, const S* q, const S* g, S* d_qkv) {
  const Token t = token_of(s, p, thread);
  if (!t.inside) return;
  const std::int64_t token = token_number(s, p.image, t.y, t.x);
  const int inner = s.heads * D;
  const float* at = coefficients + (plane_offset<K>(s, p, 0) + (t.y * s.width + t.x));
  const std::int64_t plane = s.height * s.width;
  MANO_UNROLL(K == 2 ? 2 : 1)
  for (int which = 0; which < 2; ++which) {  // d_v from c, d_k from d_s
    float factors[kNeighbours<K>];
    MANO_UNROLL(kNeighbours<K>)
    for (int n = 0; n < kNeighbours<K>; ++n, at += plane) {
      const int dy = n / (2 * K - 1) - kReach<K>, dx = n % (2 * K - 1) - kReach<K>;
      const int y = t.y - dy, x = t.x - dx;
      const bool inside = x >= 0 && x < s.width && y >= 0 && y < s.height;
      factors[n] = inside ? at[-(dy * s.width + dx)] : 0.0f;
      if constexpr (K > 2) forget_results(at);  // or all addresses would be kept at once
    }
    sum_over_neighbours<S, D, K, true>(thread, factors, which == 0 ? g : q,
                                       d_qkv + (token * 3 * inner + (2 - which) * inner + p.head * D));
  }
}

}  // namespace mano::tile
