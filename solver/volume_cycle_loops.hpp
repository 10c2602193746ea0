#pragma once
// The two passes of a cycle of solver/volume_multigrid.hpp, slab by slab. Part of volume_kernels.cpp, which alone includes it.

#include "solver/volume_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

template <typename T>
Index count(const VolumeLevel<T>& l, int parity) {
  return (l.nx + 1 - parity) / 2;
}

// --- into a cycle's layout -----------------------------------------------------------------------------------------------

template <typename T>
void split_row(Index nx, const double* from, T* to, Index half) {
#pragma omp simd
  for (Index i = 0; i < nx / 2; ++i) {
    to[i] = static_cast<T>(from[2 * i]);
    to[half + i] = static_cast<T>(from[2 * i + 1]);
  }
  if (nx % 2 == 1) to[nx / 2] = static_cast<T>(from[nx - 1]);
}

template <typename T>
void take_weights(const VolumeSetup& grid, const double* from, const LayerInterpolation<T>& to, T* weights,
                  Index half) {
  for (Index j = 0; j < grid.ny; ++j) {
    for (Index k = 0; k < grid.nz; ++k) {
      const double* source = from + j * grid.slab + k * grid.stride;
      T* target = weights + j * to.slab + k * to.stride;
      if (half > 0) {
        split_row(grid.nx, source, target, half);
      } else {
#pragma omp simd
        for (Index i = 0; i < grid.nx; ++i) target[i] = static_cast<T>(source[i]);
      }
    }
  }
}

// Inverse pivots of a slab's lines into rows of `inverse`. What holds a line down to layer k, s_k = d_k + t_k s_(k-1) / (s_(k-1) + t_k), is a sum without
// differences: it is exact however much stronger the vertical coupling is.
inline void factorise(const VolumeSetup& g, Index j, double* held, double* inverse) {
  for (Index i = 0; i < g.nx; ++i) held[i] = 0;
  for (Index k = 0; k < g.nz; ++k) {
    const double* diagonal = g.diagonal + j * g.slab + k * g.stride;
    const double* t = g.vertical_row(j, k);
    const double* t_next = g.vertical_row(j, k + 1);
    double* to = inverse + k * g.stride;
    const double inside = k > 0 ? 1 : 0;
#pragma omp simd
    for (Index i = 0; i < g.nx; ++i) {
      const double s = held[i];
      const double through = s + t[i] > 0 ? t[i] * s / (s + t[i]) : 0;
      held[i] = diagonal[i] + (inside > 0 ? through : t[i]);
      const double pivot = held[i] + t_next[i];
      to[i] = pivot > 0 ? 1 / pivot : 0;
    }
  }
}

template <typename T>
void take_operator(const VolumeSetup& from, const VolumeLevel<T>& to, double* pivots) {
  for (Index j = 0; j < to.ny; ++j) {
    factorise(from, j, pivots + from.nz * from.stride, pivots);
    for (Index k = 0; k < to.nz; ++k) {
      const Index at = j * from.slab + k * from.stride;
      const Index target = j * to.slab + k * to.stride;
      split_row(to.nx, from.a.east + at, to.a.east + target, to.half);
      split_row(to.nx, from.a.north + at, to.a.north + target, to.half);
      if (from.a.rising != nullptr) {
        split_row(to.nx, from.a.rising + at, to.a.rising + target, to.half);
        split_row(to.nx, from.a.falling + at, to.a.falling + target, to.half);
      }
      if (k > 0) split_row(to.nx, from.vertical_row(j, k), to.vertical + target, to.half);
      split_row(to.nx, pivots + k * from.stride, to.inverse_pivot + target, to.half);
    }
  }
}

// --- lines ---------------------------------------------------------------------------------------------------------------

// One row of the lines of a slab whose columns have one parity, and what they are coupled with in their layer. The neighbours in the
// row and across the diagonals have the other parity: index I + west and I + east there.
template <typename T>
struct Row {
  Index size, west, east;
  const T *e, *e_other, *n, *n_below, *r, *r_below_other, *f_other, *f_below, *x_other, *below, *above, *below_other,
      *above_other;

  Row(const VolumeLevel<T>& l, Index j, Index k, int parity) : size(count(l, parity)), west(parity - 1), east(parity) {
    const Index at = j * l.slab + k * l.stride;
    const Index own = at + parity * l.half;
    const Index other = at + (1 - parity) * l.half;
    e = l.a.east + own;
    e_other = l.a.east + other;
    n = l.a.north + own;
    n_below = n - l.slab;
    const bool nine = l.a.rising != nullptr;
    r = nine ? l.a.rising + own : nullptr;
    r_below_other = nine ? l.a.rising + other - l.slab : nullptr;
    f_other = nine ? l.a.falling + other : nullptr;
    f_below = nine ? l.a.falling + own - l.slab : nullptr;
    x_other = l.x + other;
    below = l.x + own - l.slab;
    above = l.x + own + l.slab;
    below_other = x_other - l.slab;
    above_other = x_other + l.slab;
  }

  // What flows in from neighbours in the slab, from those in the slabs beside it, or both.
  template <bool same, bool beside, bool nine>
  T inflow(Index i) const {
    T sum = 0;
    if constexpr (same) sum += e_other[i + west] * x_other[i + west] + e[i] * x_other[i + east];
    if constexpr (beside) sum += n_below[i] * below[i] + n[i] * above[i];
    if constexpr (beside && nine)
      sum += r[i] * above_other[i + east] + r_below_other[i + west] * below_other[i + west] +
             f_other[i + west] * above_other[i + west] + f_below[i] * below_other[i + east];
    return sum;
  }
};

// Solves the equations of the lines of a slab whose columns have one parity, for neighbours as they are.
template <bool same, bool beside, bool nine, typename T>
void solve_lines(const VolumeLevel<T>& l, Index j, int parity) {
  const Index own = j * l.slab + parity * l.half;
  const Index size = count(l, parity);
  for (Index k = 0; k < l.nz; ++k) {
    const Row<T> row(l, j, k, parity);
    const Index at = own + k * l.stride;
    const T* b = l.b + at;
    const T* inverse = l.inverse_pivot + at;
    T* x = l.x + at;
    if (k == 0) {
#pragma omp simd
      for (Index i = 0; i < size; ++i) x[i] = (b[i] + row.template inflow<same, beside, nine>(i)) * inverse[i];
      continue;
    }
    const T* t = l.vertical + at;
    const T* before = x - l.stride;
#pragma omp simd
    for (Index i = 0; i < size; ++i)
      x[i] = (b[i] + row.template inflow<same, beside, nine>(i) + t[i] * before[i]) * inverse[i];
  }
  for (Index k = l.nz - 2; k >= 0; --k) {
    const Index at = own + k * l.stride;
    const T* t = l.vertical + at + l.stride;
    const T* inverse = l.inverse_pivot + at;
    T* x = l.x + at;
    const T* next = x + l.stride;
#pragma omp simd
    for (Index i = 0; i < size; ++i) x[i] += t[i] * inverse[i] * next[i];
  }
}

// The lines of a slab in a step down: five points, red (phase 0), then black; nine points in four colours, even slabs (phase 0), then
// odd ones, in each even columns first. What is solved later is still 0.
template <typename T>
void relax_down(const VolumeLevel<T>& l, Index j, int phase) {
  if (l.a.rising == nullptr) {
    const int parity = static_cast<int>((j + phase) & 1);
    if (phase == 0) {
      solve_lines<false, false, false>(l, j, parity);
    } else {
      solve_lines<true, true, false>(l, j, parity);
    }
  } else if ((j & 1) == phase) {
    if (phase == 0) {
      solve_lines<false, false, true>(l, j, 0);
      solve_lines<true, false, true>(l, j, 1);
    } else {
      solve_lines<false, true, true>(l, j, 0);
      solve_lines<true, true, true>(l, j, 1);
    }
  }
}

template <typename T>
void relax_up(const VolumeLevel<T>& l, Index j, int phase) {
  if (l.a.rising == nullptr) {
    solve_lines<true, true, false>(l, j, static_cast<int>((j + phase) & 1));
  } else if ((j & 1) == phase) {
    solve_lines<true, true, true>(l, j, 1);
    solve_lines<true, true, true>(l, j, 0);
  }
}

template <bool same, bool beside, bool nine, typename T>
void inflow_row(const VolumeLevel<T>& l, Index j, Index k, int parity, T* to) {
  const Row<T> row(l, j, k, parity);
  T* r = to + parity * l.half;
#pragma omp simd
  for (Index i = 0; i < row.size; ++i) r[i] = row.template inflow<same, beside, nine>(i);
}

// The residual of a row after a step down from 0: each line was solved with what was there, so that it is what has come in since, from
// lines solved later. No difference of large vertical flows is taken. 
template <typename T>
void residual_row(const VolumeLevel<T>& l, Index j, Index k, T* to) {
  if (l.a.rising == nullptr) {
    const int black = static_cast<int>(1 - (j & 1));
    inflow_row<true, true, false>(l, j, k, 1 - black, to);
    for (Index i = 0; i < count(l, black); ++i) to[black * l.half + i] = 0;
  } else if ((j & 1) == 0) {
    inflow_row<true, true, true>(l, j, k, 0, to);
    inflow_row<false, true, true>(l, j, k, 1, to);
  } else {
    inflow_row<true, false, true>(l, j, k, 0, to);
    T* r = to + l.half;
    for (Index i = 0; i < count(l, 1); ++i) r[i] = 0;
  }
}

// --- between levels ------------------------------------------------------------------------------------------------------

// to = or += factor * from for a row in a level's layout, `factor` null for 1.
template <bool add, typename T>
void combine_row(const VolumeLevel<T>& l, const T* factor, const T* from, T* to) {
  for (int parity = 0; parity < 2; ++parity) {
    const Index begin = parity * l.half;
    const Index end = begin + count(l, parity);
    if (factor == nullptr) {
#pragma omp simd
      for (Index i = begin; i < end; ++i) to[i] = (add ? to[i] : T(0)) + from[i];
    } else {
#pragma omp simd
      for (Index i = begin; i < end; ++i) to[i] = (add ? to[i] : T(0)) + factor[i] * from[i];
    }
  }
}

// A residual row restricted in x, in the coarse layout.
template <typename T>
const T* restrict_in_x(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse, Index j, Index k, const T* r) {
  const T* lower = fine.in_x.lower + j * fine.in_x.slab + k * fine.in_x.stride;
  const T* upper = fine.in_x.upper + j * fine.in_x.slab + k * fine.in_x.stride;
  const T* odd = r + fine.half;
  T* ordered = fine.row[1];
  const bool five = fine.a.rising == nullptr;
  const T* source = ordered;
  if (!five) {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) ordered[i] = r[i] + lower[i] * odd[i] + upper[i - 1] * odd[i - 1];
  } else if ((j & 1) == 1) {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) ordered[i] = lower[i] * odd[i] + upper[i - 1] * odd[i - 1];
  } else {
    source = r;
  }
  T* split = fine.row[2];
#pragma omp simd
  for (Index i = 0; i < coarse.nx / 2; ++i) {
    split[i] = source[2 * i];
    split[coarse.half + i] = source[2 * i + 1];
  }
  if (coarse.nx % 2 == 1) split[coarse.nx / 2] = source[coarse.nx - 1];
  return split;
}

// coarse.b = or += the part of P^T r that comes from row (j, k); slabs come in their order. `r` has zeros outside.
template <typename T>
void restrict_row(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse, Index j, Index k, const T* r) {
  const T* along = fine.in_x.lower != nullptr ? restrict_in_x(fine, coarse, j, k, r) : r;
  if (fine.in_y.lower == nullptr) {
    combine_row<false, T>(coarse, nullptr, along, coarse.b + j * coarse.slab + k * coarse.stride);
    return;
  }
  const Index row = j / 2;
  T* here = coarse.b + row * coarse.slab + k * coarse.stride;
  const Index at = row * fine.in_y.slab + k * fine.in_y.stride;
  if (j == 0) {
    combine_row<false, T>(coarse, nullptr, along, here);
  } else if (j % 2 == 0) {
    combine_row<true, T>(coarse, nullptr, along, here);
  } else {
    combine_row<true>(coarse, fine.in_y.lower + at, along, here);
    if (row + 1 < coarse.ny) combine_row<false>(coarse, fine.in_y.upper + at, along, here + coarse.slab);
  }
}

template <typename T>
void interpolate_row(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse, Index j, Index k) {
  const bool halved = fine.in_y.lower != nullptr;
  const bool nine = fine.a.rising != nullptr;
  const Index row = halved ? j / 2 : j;
  const T* along = coarse.x + row * coarse.slab + k * coarse.stride;
  if (halved && j % 2 == 1) {
    const T* lower = fine.in_y.lower + row * fine.in_y.slab + k * fine.in_y.stride;
    const T* upper = fine.in_y.upper + row * fine.in_y.slab + k * fine.in_y.stride;
    const T* next = along + coarse.slab;
    T* split = fine.row[2];
    for (int parity = 0; parity < 2; ++parity) {
      const Index begin = parity * coarse.half;
      const Index end = begin + count(coarse, parity);
#pragma omp simd
      for (Index i = begin; i < end; ++i) split[i] = lower[i] * along[i] + upper[i] * next[i];
    }
    along = split;
  }
  T* x = fine.x + j * fine.slab + k * fine.stride;
  if (fine.in_x.lower == nullptr) {
    combine_row<true, T>(fine, nullptr, along, x);
    return;
  }
  T* ordered = fine.row[1];
#pragma omp simd
  for (Index i = 0; i < coarse.nx / 2; ++i) {
    ordered[2 * i] = along[i];
    ordered[2 * i + 1] = along[coarse.half + i];
  }
  if (coarse.nx % 2 == 1) ordered[coarse.nx - 1] = along[coarse.nx / 2];
  ordered[coarse.nx] = 0;
  const T* lower = fine.in_x.lower + j * fine.in_x.slab + k * fine.in_x.stride;
  const T* upper = fine.in_x.upper + j * fine.in_x.slab + k * fine.in_x.stride;
  // On five points, black lines are solved next and need no correction.
  if (nine || j % 2 == 0) {
#pragma omp simd
    for (Index i = 0; i < count(fine, 0); ++i) x[i] += ordered[i];
  }
  if (nine || j % 2 == 1) {
    T* odd = x + fine.half;
#pragma omp simd
    for (Index i = 0; i < count(fine, 1); ++i) odd[i] += lower[i] * ordered[i] + upper[i] * ordered[i + 1];
  }
}

// --- passes --------------------------------------------------------------------------------------------------------------

// Both go through the slabs once: each phase works a slab behind the one before, where its neighbours are ready, so that the slabs in
// work stay in the cache.
template <typename T>
void smooth_and_restrict(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse) {
  for (Index t = 0; t < fine.ny + 2; ++t) {
    if (t < fine.ny) relax_down(fine, t, 0);
    if (t >= 1 && t - 1 < fine.ny) relax_down(fine, t - 1, 1);
    if (t < 2) continue;
    const Index j = t - 2;
    for (Index k = 0; k < fine.nz; ++k) {
      residual_row(fine, j, k, fine.row[0]);
      restrict_row(fine, coarse, j, k, fine.row[0]);
    }
  }
}

template <typename T>
void interpolate_and_smooth(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse) {
  for (Index t = 0; t < fine.ny + 2; ++t) {
    if (t < fine.ny) {
      for (Index k = 0; k < fine.nz; ++k) interpolate_row(fine, coarse, t, k);
    }
    if (t >= 1 && t - 1 < fine.ny) relax_up(fine, t - 1, 1);
    if (t >= 2) relax_up(fine, t - 2, 0);
  }
}

template <typename T>
void solve_column(const VolumeLevel<T>& l) {
  solve_lines<false, false, true>(l, 0, 0);
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
