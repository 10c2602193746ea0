#pragma once
// Between two levels: blocks of fine tokens gathered as rows, and scattered again. Part of token_kernels.cpp, which alone includes it.

#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// visit(token of the fine level, its place in block_rows, outside) for all of the blocks of coarse rows [begin, end).
template <typename Visit>
void for_block_parts(const LevelShape& s, int begin, int end, Visit visit) {
  Index part = 0;
  for (int y = begin; y < end; ++y) {
    for (int x = 0; x < s.coarse_width(); ++x) {
      for (int p = 0; p < s.rate * s.rate; ++p, ++part) {
        const int row = y * s.rate + p / s.rate;
        const int column = x * s.rate + p % s.rate;
        const int nearest_row = row < s.height ? row : s.height - 1;
        const int nearest_column = column < s.width ? column : s.width - 1;
        visit((static_cast<Index>(nearest_row) * s.width + nearest_column) * s.channels, part * s.channels,
              row != nearest_row || column != nearest_column);
      }
    }
  }
}

template <typename S>
void gather_blocks(const LevelShape& s, int begin, int end, const Sum<S>* fine, Sum<S> factor,
                   bool zero_outside, S* block_rows) {
  for_block_parts(s, begin, end, [&](Index from, Index to, bool outside) {
    const Sum<S> f = outside && zero_outside ? 0 : factor;
    in_vectors<kWidth<S>>(s.channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(f * load<n>(fine + from + c), block_rows + to + c);
    });
  });
}

template <typename S>
void scatter_blocks(const LevelShape& s, int begin, int end, const S* block_rows, Sum<S> factor,
                    bool repeated, Sum<S>* fine) {
  for_block_parts(s, begin, end, [&](Index to, Index from, bool outside) {
    if (outside && !repeated) return;
    in_vectors<kWidth<S>>(s.channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(fine + to + c) + factor * load<n>(block_rows + from + c), fine + to + c);
    });
  });
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
