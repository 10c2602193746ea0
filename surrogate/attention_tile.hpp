#pragma once
// Overlapping-window attention on a GPU, all but launching: how tokens are dealt to blocks and threads, what a thread loads and
// what it computes. Plain functions for host and device, so that a CPU test runs every block and thread of them
// (tests/surrogate/attention_tile_test.cpp); surrogate/cuda_attention.cu calls them between its barriers.
//
// A block of 128 threads takes a tile of 16 x 8 tokens of one head of one image, a thread a token. What the neighbours of
// the tile's tokens share lies in shared memory, with a halo of K - 1 tokens, 16 bytes between tokens so that eight threads
// reading 16 bytes each meet no bank twice. S is float or BFloat16; sums are float. Equations: docs/mano.md.
//
//   forward     shared: k, v          out = sum_n c_n v_n
//   backward 1  shared: k, v          d_q, and the coefficients c and d_s of every token and neighbour, to memory
//   backward 2  shared: q, d_out      d_k, d_v = sums over the tokens that read this one

#include <cstdint>

#include "surrogate/attention_shape.hpp"
#include "surrogate/token_kernels.hpp"

#ifdef __CUDACC__
#define MANO_HOST_DEVICE __host__ __device__
#define MANO_TEXT(text) #text
#define MANO_UNROLL(times) _Pragma(MANO_TEXT(unroll(times)))
#else
#define MANO_HOST_DEVICE
#define MANO_UNROLL(times)
#endif

namespace mano::tile {

inline constexpr int kWidth = 16;
inline constexpr int kHeight = 8;
inline constexpr int kThreads = kWidth * kHeight;

MANO_HOST_DEVICE inline float widen(float x) {
  return x;
}
MANO_HOST_DEVICE inline float widen(BFloat16 x) {
  union {
    std::uint32_t bits;
    float value;
  } u{static_cast<std::uint32_t>(x.bits) << 16};
  return u.value;
}
MANO_HOST_DEVICE inline void narrow(float x, float& to) {
  to = x;
}
MANO_HOST_DEVICE inline void narrow(float x, BFloat16& to) {
  union {
    float value;
    std::uint32_t bits;
  } u{x};
  to.bits = static_cast<std::uint16_t>((u.bits + 0x7fff + ((u.bits >> 16) & 1)) >> 16);
}

/// Sixteen bytes: what one load or store moves.
template <typename S>
struct alignas(16) Piece {
  static constexpr int kCount = 16 / sizeof(S);
  S values[kCount];
};

/// Distance of tokens in shared memory.
template <typename S, int D>
inline constexpr int kSharedStep = D + Piece<S>::kCount;

template <int K>
inline constexpr int kReach = K - 1;
template <int K>
inline constexpr int kHaloWidth = kWidth + 2 * kReach<K>;
template <int K>
inline constexpr int kHaloTokens = kHaloWidth<K>*(kHeight + 2 * kReach<K>);
template <int K>
inline constexpr int kNeighbours = (2 * K - 1) * (2 * K - 1);

/// Which tile of which head a block has; the first token of the tile.
struct Place {
  int image, head, x, y;
};

MANO_HOST_DEVICE inline std::int64_t block_count(const AttentionShape& s) {
  const std::int64_t tiles_x = (s.width + kWidth - 1) / kWidth;
  const std::int64_t tiles_y = (s.height + kHeight - 1) / kHeight;
  return tiles_x * tiles_y * s.batch * s.heads;
}

/// Heads of one tile follow one another: their tokens are neighbours in memory.
MANO_HOST_DEVICE inline Place place_of(const AttentionShape& s, std::int64_t block) {
  const int tiles_x = (s.width + kWidth - 1) / kWidth;
  const int tiles_y = (s.height + kHeight - 1) / kHeight;
  Place p;
  p.head = static_cast<int>(block % s.heads);
  block /= s.heads;
  p.x = static_cast<int>(block % tiles_x) * kWidth;
  block /= tiles_x;
  p.y = static_cast<int>(block % tiles_y) * kHeight;
  p.image = static_cast<int>(block / tiles_y);
  return p;
}

struct Token {
  int x, y;
  bool inside;
};

MANO_HOST_DEVICE inline Token token_of(const AttentionShape& s, const Place& p, int thread) {
  Token t{p.x + thread % kWidth, p.y + thread / kWidth, false};
  t.inside = t.x < s.width && t.y < s.height;
  return t;
}

/// Number of a token among those of all images.
MANO_HOST_DEVICE inline std::int64_t token_number(const AttentionShape& s, int image, int y, int x) {
  return (static_cast<std::int64_t>(image) * s.height + y) * s.width + x;
}

/// The place of the token with its neighbour at (dy, dx) in shared memory, in tokens.
template <int K>
MANO_HOST_DEVICE inline int halo_index(int thread, int dy, int dx) {
  return (thread / kWidth + kReach<K> + dy) * kHaloWidth<K> + thread % kWidth + kReach<K> + dx;
}

/// Piece `i` of the halo: where it comes from, unless it lies outside the grid.
struct HaloPiece {
  bool inside;
  std::int64_t token;  ///< number among all
  int part;            ///< piece of the head's D numbers
  int shared;          ///< token in shared memory
};

template <int K>
MANO_HOST_DEVICE inline HaloPiece halo_piece(const AttentionShape& s, const Place& p, int i, int parts) {
  HaloPiece h;
  h.shared = i / parts;
  h.part = i % parts;
  const int x = p.x - kReach<K> + h.shared % kHaloWidth<K>;
  const int y = p.y - kReach<K> + h.shared / kHaloWidth<K>;
  h.inside = x >= 0 && x < s.width && y >= 0 && y < s.height;
  h.token = h.inside ? token_number(s, p.image, y, x) : 0;
  return h;
}

/// A thread's share of filling shared memory from `source`, `step` numbers from token to token, the head's at `offset`; zero
/// outside.
template <typename S, int D, int K>
MANO_HOST_DEVICE inline void load_halo(const AttentionShape& s, const Place& p, int thread, const S* source,
                                       std::int64_t step, int offset, S* shared) {
  constexpr int parts = D / Piece<S>::kCount;
  for (int i = thread; i < kHaloTokens<K> * parts; i += kThreads) {
    const HaloPiece h = halo_piece<K>(s, p, i, parts);
    Piece<S> piece{};
    if (h.inside)
      piece =
          *reinterpret_cast<const Piece<S>*>(source + h.token * step + offset + h.part * Piece<S>::kCount);
    *reinterpret_cast<Piece<S>*>(shared + h.shared * kSharedStep<S, D> + h.part * Piece<S>::kCount) = piece;
  }
}

/// dots[n] = factor * mine . (shared of neighbour n); mine: the head's D numbers in memory.
template <typename S, int D, int K>
MANO_HOST_DEVICE inline void dots_with_neighbours(int thread, const S* mine, const S* shared, float factor,
                                                  float* dots) {
  for (int n = 0; n < kNeighbours<K>; ++n) dots[n] = 0;
  for (int part = 0; part < D; part += Piece<S>::kCount) {
    const Piece<S> a = *reinterpret_cast<const Piece<S>*>(mine + part);
    MANO_UNROLL(K == 2 ? 9 : 1)
    for (int n = 0; n < kNeighbours<K>; ++n) {
      const int at = halo_index<K>(thread, n / (2 * K - 1) - kReach<K>, n % (2 * K - 1) - kReach<K>);
      const Piece<S> b = *reinterpret_cast<const Piece<S>*>(shared + at * kSharedStep<S, D> + part);
      for (int i = 0; i < Piece<S>::kCount; ++i) dots[n] += widen(a.values[i]) * widen(b.values[i]);
    }
  }
  for (int n = 0; n < kNeighbours<K>; ++n) dots[n] *= factor;
}

/// to = sum over n of factors[n] * (shared of neighbour n), or, `reversed`, of the token that has this one as its neighbour n.
template <typename S, int D, int K, bool reversed>
MANO_HOST_DEVICE inline void sum_over_neighbours(int thread, const float* factors, const S* shared, S* to) {
  for (int part = 0; part < D; part += Piece<S>::kCount) {
    float sums[Piece<S>::kCount] = {};
    for (int n = 0; n < kNeighbours<K>; ++n) {
      const int dy = n / (2 * K - 1) - kReach<K>;
      const int dx = n % (2 * K - 1) - kReach<K>;
      const int at = halo_index<K>(thread, reversed ? -dy : dy, reversed ? -dx : dx);
      const Piece<S> b = *reinterpret_cast<const Piece<S>*>(shared + at * kSharedStep<S, D> + part);
      for (int i = 0; i < Piece<S>::kCount; ++i) sums[i] += factors[n] * widen(b.values[i]);
    }
    Piece<S> result;
    for (int i = 0; i < Piece<S>::kCount; ++i) narrow(sums[i], result.values[i]);
    *reinterpret_cast<Piece<S>*>(to + part) = result;
  }
}

MANO_HOST_DEVICE inline bool window_exists(int token, int a, int size, int window, int stride) {
  const int origin = token - a;
  return origin >= 0 && origin % stride == 0 && origin + window <= size;
}

MANO_HOST_DEVICE inline float exponential(float x) {
#ifdef __CUDA_ARCH__
  return __expf(x);
#else
  return __builtin_expf(x);
#endif
}

/// From the scores of a token's neighbours: their softmax in each of its windows, averaged, c; with d_c, the gradient of c,
/// also that of the scores.
template <int K, bool backward>
MANO_HOST_DEVICE inline void softmax_over_windows(const AttentionShape& s, const Token& t,
                                                  const float* scores, const float* d_c, float* c,
                                                  float* d_scores) {
  int windows = 0;
  for (int a = 0; a < K * K; ++a) {
    windows +=
        window_exists(t.y, a / K, s.height, K, s.stride) && window_exists(t.x, a % K, s.width, K, s.stride);
  }
  for (int n = 0; n < kNeighbours<K>; ++n) {
    c[n] = 0;
    if (backward) d_scores[n] = 0;
  }
  MANO_UNROLL(K == 2 ? 4 : 1)  // larger windows would not leave registers enough
  for (int a = 0; a < K * K; ++a) {
    if (!window_exists(t.y, a / K, s.height, K, s.stride) || !window_exists(t.x, a % K, s.width, K, s.stride))
      continue;
    float e[K * K];
    float most = -3.4e38f, total = 0, mean = 0;
    for (int b = 0; b < K * K; ++b) {
      const int n = (b / K - a / K + kReach<K>)*(2 * K - 1) + b % K - a % K + kReach<K>;
      most = scores[n] > most ? scores[n] : most;
    }
    for (int b = 0; b < K * K; ++b) {
      const int n = (b / K - a / K + kReach<K>)*(2 * K - 1) + b % K - a % K + kReach<K>;
      total += e[b] = exponential(scores[n] - most);
    }
    for (int b = 0; b < K * K; ++b) {
      const int n = (b / K - a / K + kReach<K>)*(2 * K - 1) + b % K - a % K + kReach<K>;
      e[b] /= total;
      c[n] += e[b] / static_cast<float>(windows);
      if (backward) mean += e[b] * d_c[n];
    }
    if (!backward) continue;
    for (int b = 0; b < K * K; ++b) {
      const int n = (b / K - a / K + kReach<K>)*(2 * K - 1) + b % K - a % K + kReach<K>;
      d_scores[n] += e[b] * (d_c[n] - mean) / static_cast<float>(windows);
    }
  }
}

MANO_HOST_DEVICE inline float score_scale(int d) {
#ifdef __CUDA_ARCH__
  return rsqrtf(static_cast<float>(d));
#else
  return 1.0f / __builtin_sqrtf(static_cast<float>(d));
#endif
}

/// Forward: a thread's token. k, v: shared.
template <typename S, int D, int K>
MANO_HOST_DEVICE inline void attend(const AttentionShape& s, const Place& p, int thread, const S* qkv,
                                    const S* k, const S* v, S* out) {
  const Token t = token_of(s, p, thread);
  if (!t.inside) return;
  const std::int64_t token = token_number(s, p.image, t.y, t.x);
  const std::int64_t inner = static_cast<std::int64_t>(s.heads) * D;
  float scores[kNeighbours<K>], c[kNeighbours<K>];
  dots_with_neighbours<S, D, K>(thread, qkv + token * 3 * inner + p.head * D, k, score_scale(D), scores);
  softmax_over_windows<K, false>(s, t, scores, nullptr, c, nullptr);
  sum_over_neighbours<S, D, K, false>(thread, c, v, out + token * inner + p.head * D);
}

/// Coefficients of one image and head: c of every neighbour, then d_s of every neighbour, a plane [H, W] each.
template <int K>
MANO_HOST_DEVICE inline std::int64_t plane_offset(const AttentionShape& s, const Place& p, int plane) {
  const std::int64_t image_tokens = static_cast<std::int64_t>(s.height) * s.width;
  return ((static_cast<std::int64_t>(p.image) * s.heads + p.head) * 2 * kNeighbours<K> + plane) *
         image_tokens;
}
template <int K>
MANO_HOST_DEVICE inline std::int64_t coefficient_count(const AttentionShape& s) {
  return static_cast<std::int64_t>(s.batch) * s.heads * 2 * kNeighbours<K> * s.height * s.width;
}

/// Backward 1: d_q of a thread's token, and its coefficients.
template <typename S, int D, int K>
MANO_HOST_DEVICE inline void attend_backward(const AttentionShape& s, const Place& p, int thread,
                                             const S* qkv, const S* d_out, const S* k, const S* v, S* d_qkv,
                                             float* coefficients) {
  const Token t = token_of(s, p, thread);
  if (!t.inside) return;
  const std::int64_t token = token_number(s, p.image, t.y, t.x);
  const std::int64_t inner = static_cast<std::int64_t>(s.heads) * D;
  float scores[kNeighbours<K>], d_c[kNeighbours<K>], c[kNeighbours<K>], d_scores[kNeighbours<K>];
  dots_with_neighbours<S, D, K>(thread, qkv + token * 3 * inner + p.head * D, k, score_scale(D), scores);
  dots_with_neighbours<S, D, K>(thread, d_out + token * inner + p.head * D, v, 1.0f, d_c);
  softmax_over_windows<K, true>(s, t, scores, d_c, c, d_scores);
  const std::int64_t at = static_cast<std::int64_t>(t.y) * s.width + t.x;
  for (int n = 0; n < kNeighbours<K>; ++n) {
    d_scores[n] *= score_scale(D);
    coefficients[plane_offset<K>(s, p, n) + at] = c[n];
    coefficients[plane_offset<K>(s, p, kNeighbours<K> + n) + at] = d_scores[n];
  }
  sum_over_neighbours<S, D, K, false>(thread, d_scores, k, d_qkv + token * 3 * inner + p.head * D);
}

/// Backward 2: d_k and d_v of a thread's token. q, g: shared, of qkv and of d_out.
template <typename S, int D, int K>
MANO_HOST_DEVICE inline void gather_backward(const AttentionShape& s, const Place& p, int thread,
                                             const float* coefficients, const S* q, const S* g, S* d_qkv) {
  const Token t = token_of(s, p, thread);
  if (!t.inside) return;
  const std::int64_t token = token_number(s, p.image, t.y, t.x);
  const std::int64_t inner = static_cast<std::int64_t>(s.heads) * D;
  for (int which = 0; which < 2; ++which) {  // d_v from c, d_k from d_s
    float factors[kNeighbours<K>];
    for (int n = 0; n < kNeighbours<K>; ++n) {
      const int y = t.y - (n / (2 * K - 1) - kReach<K>);
      const int x = t.x - (n % (2 * K - 1) - kReach<K>);
      const bool inside = x >= 0 && x < s.width && y >= 0 && y < s.height;
      factors[n] = inside ? coefficients[plane_offset<K>(s, p, which * kNeighbours<K> + n) +
                                         static_cast<std::int64_t>(y) * s.width + x]
                          : 0.0f;
    }
    sum_over_neighbours<S, D, K, true>(thread, factors, which == 0 ? g : q,
                                       d_qkv + token * 3 * inner + (2 - which) * inner + p.head * D);
  }
}

}  // namespace mano::tile
