#pragma once
// Matrix products of one thread. Part of token_kernels.cpp, which alone includes it.
//
// The inner matrices of a block are a few hundred numbers wide: b, or a slice of its rows, stays in the first two caches, and a is read
// where it lies. So nothing is packed; a tile of c that fills the registers is summed over k in the order of k.

#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

#ifdef __AVX512F__
constexpr int kVectorBytes = 64, kTileRows = 14;  // 14 x 2 vectors of sums, of 32 registers
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32, kTileRows = 6;  // 6 x 2 of 16
#else
constexpr int kVectorBytes = 16, kTileRows = 6;
#endif
constexpr Index kSlice = 256;  // of k

template <typename T>
constexpr int kTileLanes = kVectorBytes / static_cast<int>(sizeof(T));

/// [rows of a, k]: number (r, i) is at r * row_step + i * step.
template <typename T>
struct Strided {
  const T* data;
  Index row_step, step;

  Strided at(Index row, Index i) const { return {data + row * row_step + i * step, row_step, step}; }
};

/// Rows of numbers, `stride` from row to row.
template <typename T>
struct Rows {
  T* data;
  Index stride;

  Rows at(Index row, Index column) const { return {data + row * stride + column, stride}; }
};

template <int rows, int vectors, typename T>
inline void multiply_tile(Index k, Strided<T> a, Rows<const T> b, bool add, Rows<T> c) {
  constexpr int n = kTileLanes<T>;
  Vector<T, n> sums[rows][vectors];
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v)
      sums[r][v] = add ? load<n>(c.data + r * c.stride + v * n) : Vector<T, n>{};
  for (Index i = 0; i < k; ++i) {
    Vector<T, n> right[vectors];
    for (int v = 0; v < vectors; ++v) right[v] = load<n>(b.data + i * b.stride + v * n);
#pragma GCC unroll 14
    for (int r = 0; r < rows; ++r) {
      const T left = a.data[r * a.row_step + i * a.step];
      for (int v = 0; v < vectors; ++v) sums[r][v] += left * right[v];
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int v = 0; v < vectors; ++v) store<n>(sums[r][v], c.data + r * c.stride + v * n);
}

/// The last m < rows of them.
template <int rows, int vectors, typename T>
inline void multiply_last_rows(Index m, Index k, Strided<T> a, Rows<const T> b, bool add, Rows<T> c) {
  if constexpr (rows > 1) {
    m == rows - 1 ? multiply_tile<rows - 1, vectors>(k, a, b, add, c)
                  : multiply_last_rows<rows - 1, vectors>(m, k, a, b, add, c);
  }
}

template <int vectors, typename T>
void multiply_columns(Index m, Index k, Strided<T> a, Rows<const T> b, bool add, Rows<T> c) {
  Index r = 0;
  for (; r + kTileRows <= m; r += kTileRows)
    multiply_tile<kTileRows, vectors>(k, a.at(r, 0), b, add, c.at(r, 0));
  multiply_last_rows<kTileRows, vectors>(m - r, k, a.at(r, 0), b, add, c.at(r, 0));
}

/// Columns that do not fill a vector, of at most kSlice rows of b.
template <typename T>
void multiply_last_columns(Index m, Index count, Index k, Strided<T> a, Rows<const T> b, bool add,
                           Rows<T> c) {
  constexpr int n = kTileLanes<T>;
  T filled[kSlice * n], tile[kTileRows * n];
  for (Index i = 0; i < k; ++i)
    for (Index j = 0; j < n; ++j) filled[i * n + j] = j < count ? b.data[i * b.stride + j] : T{};
  for (Index r = 0; r < m; r += kTileRows) {
    const Index rows = m - r < kTileRows ? m - r : kTileRows;
    multiply_columns<1>(rows, k, a.at(r, 0), Rows<const T>{filled, n}, false, Rows<T>{tile, n});
    for (Index i = 0; i < rows; ++i) {
      T* to = c.at(r + i, 0).data;
      for (Index j = 0; j < count; ++j) to[j] = add ? to[j] + tile[i * n + j] : tile[i * n + j];
    }
  }
}

template <typename T>
void product(Index m, Index n, Index k, const T* a, Index row_step, Index step, const T* b, bool add, T* c) {
  constexpr int lanes = kTileLanes<T>;
  for (Index i = 0; i == 0 || i < k; i += kSlice) {
    const Index depth = k - i < kSlice ? k - i : kSlice;
    const Strided<T> left = Strided<T>{a, row_step, step}.at(0, i);
    const Rows<const T> right = Rows<const T>{b, n}.at(i, 0);
    const bool continued = add || i > 0;
    Index j = 0;
    for (; j + 2 * lanes <= n; j += 2 * lanes)
      multiply_columns<2>(m, depth, left, right.at(0, j), continued, Rows<T>{c + j, n});
    for (; j + lanes <= n; j += lanes)
      multiply_columns<1>(m, depth, left, right.at(0, j), continued, Rows<T>{c + j, n});
    if (j < n) multiply_last_columns(m, n - j, depth, left, right.at(0, j), continued, Rows<T>{c + j, n});
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
