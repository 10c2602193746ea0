#pragma once
// Layer norms over short rows on a GPU, all but launching; equations in surrogate/kernels/cuda_norm.hpp. Written for one thread of a block, so
// that a CPU test runs every thread of every block (tests/surrogate/kernels/norm_tile_test.cpp); surrogate/kernels/cuda_norm.cu launches it.
//
// G lanes of a warp take a row of C = G n numbers, four at a time, and keep it in registers; sums over a row are exchanges among them.
// A block is handed in as
//   thread(), block(), blocks()      numbers of this thread and block, and of blocks
//   exchange(value, reach)           the value of the lane whose number differs in the bit `reach`; all lanes of a warp take part
//   barrier()                        for all threads of the block

#include <cstdint>

#include "core/host_device.hpp"
#include "surrogate/kernels/tile_numbers.hpp"

namespace mano::norm_tile {

inline constexpr int kThreads = 256;
inline constexpr float kEpsilon = 1e-5f;

/// Four numbers: what one load or store moves.
template <typename S>
struct alignas(4 * sizeof(S)) Four {
  S values[4];
};

/// Weight and bias of the norms, [C]; the second's null where there is one norm.
struct Weights {
  const float *weight1, *bias1, *weight2, *bias2;
};

/// n numbers of a row that one of G lanes holds: n / 4 pieces, 4 G numbers apart.
template <int G, int n>
struct Part {
  float v[n];

  template <typename S>
  MANO_BOTH void load(const S* row, int lane) {
    for (int i = 0; i < n; i += 4) {
      const Four<S> four = *reinterpret_cast<const Four<S>*>(row + i * G + 4 * lane);
      for (int j = 0; j < 4; ++j) v[i + j] = tile::widen(four.values[j]);
    }
  }
  template <typename S>
  MANO_BOTH void store(S* row, int lane) const {
    for (int i = 0; i < n; i += 4) {
      Four<S> four;
      for (int j = 0; j < 4; ++j) tile::narrow(v[i + j], four.values[j]);
      *reinterpret_cast<Four<S>*>(row + i * G + 4 * lane) = four;
    }
  }
};

template <int G, typename Block>
MANO_BOTH inline float sum_of_lanes(Block& block, float x) {
  for (int reach = G / 2; reach > 0; reach /= 2) x += block.exchange(x, reach);
  return x;
}

MANO_BOTH inline float inverse_root(float x) {
#ifdef __CUDA_ARCH__
  return rsqrtf(x);
#else
  return 1.0f / __builtin_sqrtf(x);
#endif
}

/// x becomes (x - mean) * scale; returns scale.
template <int G, int n, typename Block>
MANO_BOTH inline float normalize(Block& block, Part<G, n>& x) {
  float sum = 0;
  for (int i = 0; i < n; ++i) sum += x.v[i];
  const float mean = sum_of_lanes<G>(block, sum) / (n * G);
  float squares = 0;
  for (int i = 0; i < n; ++i) {
    x.v[i] -= mean;
    squares += x.v[i] * x.v[i];
  }
  const float scale = inverse_root(sum_of_lanes<G>(block, squares) / (n * G) + kEpsilon);
  for (int i = 0; i < n; ++i) x.v[i] *= scale;
  return scale;
}

/// d, the gradient of what normalize() made, becomes that of what it was made from.
template <int G, int n, typename Block>
MANO_BOTH inline void back_through(Block& block, Part<G, n>& d, const Part<G, n>& normalized, float scale) {
  float sum = 0, product = 0;
  for (int i = 0; i < n; ++i) {
    sum += d.v[i];
    product += d.v[i] * normalized.v[i];
  }
  const float mean = sum_of_lanes<G>(block, sum) / (n * G);
  const float share = sum_of_lanes<G>(block, product) / (n * G);
  for (int i = 0; i < n; ++i) d.v[i] = scale * (d.v[i] - mean - normalized.v[i] * share);
}

/// Rows that a thread's group takes: visit(row, whether it exists). All lanes of a warp go round as often: they exchange together.
template <int G, typename Block, typename Visit>
MANO_BOTH inline void for_rows(const Block& block, std::int64_t rows, const Visit& visit) {
  const std::int64_t step = static_cast<std::int64_t>(block.blocks()) * (kThreads / G);
  const std::int64_t first = static_cast<std::int64_t>(block.block()) * (kThreads / G) + block.thread() / G;
  const std::int64_t rounds = (rows + step - 1) / step;
  for (std::int64_t round = 0; round < rounds; ++round) {
    const std::int64_t row = first + round * step;
    visit(row < rows ? row : rows - 1, row < rows);
  }
}

template <int G, int n, bool two, typename X, typename Y, typename Block>
MANO_BOTH void forward(Block& block, std::int64_t rows, const X* x, const Weights& w, Y* y) {
  constexpr int C = G * n;
  const int lane = block.thread() % G;
  Part<G, n> g1, b1, g2, b2;
  g1.load(w.weight1, lane);
  b1.load(w.bias1, lane);
  if (two) {
    g2.load(w.weight2, lane);
    b2.load(w.bias2, lane);
  }
  for_rows<G>(block, rows, [&](std::int64_t row, bool inside) {
    Part<G, n> part;
    part.load(x + row * C, lane);
    normalize(block, part);
    for (int i = 0; i < n; ++i) part.v[i] = part.v[i] * g1.v[i] + b1.v[i];
    if (two) {
      normalize(block, part);
      for (int i = 0; i < n; ++i) part.v[i] = part.v[i] * g2.v[i] + b2.v[i];
    }
    if (inside) part.store(y + row * C, lane);
  });
}

/// gathered: 4 C numbers that a block shares. sums: [blocks, 4, C], the block's parts of the gradients of weight1, bias1, weight2, bias2.
template <int G, int n, bool two, typename X, typename Y, typename Block>
MANO_BOTH void backward(Block& block, float* gathered, std::int64_t rows, const X* x, const Weights& w,
                        const Y* d_y, X* d_x, float* sums) {
  constexpr int C = G * n;
  constexpr int kSums = two ? 4 : 2;
  const int lane = block.thread() % G;
  Part<G, n> g1, b1, g2;
  g1.load(w.weight1, lane);
  b1.load(w.bias1, lane);
  if (two) g2.load(w.weight2, lane);
  float total[kSums][n] = {};
  for_rows<G>(block, rows, [&](std::int64_t row, bool inside) {
    Part<G, n> u, d;
    u.load(x + row * C, lane);
    d.load(d_y + row * C, lane);
    for (int i = 0; i < n; ++i) d.v[i] = inside ? d.v[i] : 0.0f;
    const float scale1 = normalize(block, u);
    if (two) {
      Part<G, n> a;
      for (int i = 0; i < n; ++i) a.v[i] = u.v[i] * g1.v[i] + b1.v[i];
      const float scale2 = normalize(block, a);
      for (int i = 0; i < n; ++i) {
        total[kSums - 2][i] += d.v[i] * a.v[i];
        total[kSums - 1][i] += d.v[i];
        d.v[i] *= g2.v[i];
      }
      back_through(block, d, a, scale2);
    }
    for (int i = 0; i < n; ++i) {
      total[0][i] += d.v[i] * u.v[i];
      total[1][i] += d.v[i];
      d.v[i] *= g1.v[i];
    }
    back_through(block, d, u, scale1);
    if (inside) d.store(d_x + row * C, lane);
  });
  // The groups of a block one after the other, always in the same order.
  for (int group = 0; group < kThreads / G; ++group) {
    if (block.thread() / G == group) {
      for (int k = 0; k < kSums; ++k) {
        for (int i = 0; i < n; ++i) {
          float& to = gathered[k * C + i / 4 * 4 * G + 4 * lane + i % 4];
          to = group == 0 ? total[k][i] : to + total[k][i];
        }
      }
    }
    block.barrier();
  }
  for (int i = block.thread(); i < 4 * C; i += kThreads)
    sums[static_cast<std::int64_t>(block.block()) * 4 * C + i] = i < kSums * C ? gathered[i] : 0.0f;
}

}  // namespace mano::norm_tile
