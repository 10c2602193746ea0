#pragma once
// The two passes of a cycle in three dimensions: Gauss-Seidel by columns, restriction, interpolation. Part of volume_kernels.cpp, which
// alone includes it.
//
// A step takes the columns in colours: red and black on five points a layer; on nine, even rows before odd ones, in each even points before
// odd ones. No column is a neighbour of another of its colour, so that each is solved exactly. A column's residual after a step is what its
// neighbours of later colours have changed since: for the first step from 0 the sum of conductance times x over these, and nothing else.

#include "solver/layout_loops.hpp"
#include "solver/volume_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

template <typename T>
Index count(const VolumeLevel<T>& l, int parity) {
  return (l.nx + 1 - parity) / 2;
}

// The points of one row whose i have one parity, and what they are coupled with in their layer. Neighbours in the row and across the
// diagonals have the other parity: index I + west and I + east there.
template <typename T>
struct VolumePoints {
  Index size, west, east;
  const T *e, *e_other, *n, *n_below, *r, *r_below_other, *f_other, *f_below;
  T* x;
  const T *x_other, *below, *above, *below_other, *above_other;
  Index own;

  VolumePoints(const VolumeLevel<T>& l, Index j, Index k, int parity)
      : size(count(l, parity)), west(parity - 1), east(parity) {
    const Index slab = l.slab();
    own = (j * l.nz + k) * l.stride + parity * l.half;
    const Index other = (j * l.nz + k) * l.stride + (1 - parity) * l.half;
    e = l.east + own;
    e_other = l.east + other;
    n = l.north + own;
    n_below = n - slab;
    const bool nine = l.rising != nullptr;
    r = nine ? l.rising + own : nullptr;
    r_below_other = nine ? l.rising + other - slab : nullptr;
    f_other = nine ? l.falling + other : nullptr;
    f_below = nine ? l.falling + own - slab : nullptr;
    x = l.x + own;
    x_other = l.x + other;
    below = x - slab;
    above = x + slab;
    below_other = x_other - slab;
    above_other = x_other + slab;
  }

  T in_row(Index i) const { return e_other[i + west] * x_other[i + west] + e[i] * x_other[i + east]; }
  T across(Index i) const { return n_below[i] * below[i] + n[i] * above[i]; }
  T diagonals(Index i) const {
    return r[i] * above_other[i + east] + r_below_other[i + west] * below_other[i + west] +
           f_other[i + west] * above_other[i + west] + f_below[i] * below_other[i + east];
  }
};

enum class Sum { none, five, nine };

// x = (b + sum over neighbours in the layer + up x above) / pivot from the top down, then the rest of the elimination from the bottom up.
template <Sum sum, typename T>
void relax_columns(const VolumeLevel<T>& l, Index j, int parity) {
  for (Index k = 0; k < l.nz; ++k) {
    const VolumePoints<T> p(l, j, k, parity);
    const T* b = l.b + p.own;
    const T* inverse = l.inverse + p.own;
    const T* up = l.up + p.own;
    const T* above = k > 0 ? p.x - l.stride : b;  // up is 0 in the first layer
#pragma omp simd
    for (Index i = 0; i < p.size; ++i) {
      T value = b[i] + up[i] * above[i];
      if (sum != Sum::none) value += p.in_row(i) + p.across(i);
      if (sum == Sum::nine) value += p.diagonals(i);
      p.x[i] = value * inverse[i];
    }
  }
  const Index size = count(l, parity);
  for (Index k = l.nz - 2; k >= 0; --k) {
    const Index own = (j * l.nz + k) * l.stride + parity * l.half;
    T* x = l.x + own;
    const T* below = x + l.stride;
    const T* inverse = l.inverse + own;
    const T* up = l.up + own + l.stride;
#pragma omp simd
    for (Index i = 0; i < size; ++i) x[i] += up[i] * inverse[i] * below[i];
  }
}

// --- Restriction -----------------------------------------------------------------------------------------------------------------

template <typename T>
void add_points(const VolumeLevel<T>& l, const T* factor, const T* from, T* to) {
  for (int parity = 0; parity < 2; ++parity) {
    const Index begin = parity * l.half;
    const Index end = begin + count(l, parity);
    if (factor == nullptr) {
#pragma omp simd
      for (Index i = begin; i < end; ++i) to[i] += from[i];
    } else {
#pragma omp simd
      for (Index i = begin; i < end; ++i) to[i] += factor[i] * from[i];
    }
  }
}

// coarse.b += the part of P^T r that comes from row (j, k); `r` has zeros outside.
template <typename T>
void restrict_points(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse, Index j, Index k, const T* r) {
  const T* along = r;
  if (fine.in_x.lower != nullptr) {
    const Index row = (j * fine.nz + k) * fine.in_x.stride;
    const T* lower = fine.in_x.lower + row;
    const T* upper = fine.in_x.upper + row;
    const T* odd = r + fine.half;
    T* ordered = fine.row[1];
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) ordered[i] = r[i] + lower[i] * odd[i] + upper[i - 1] * odd[i - 1];
    T* split = fine.row[2];
#pragma omp simd
    for (Index i = 0; i < coarse.nx / 2; ++i) {
      split[i] = ordered[2 * i];
      split[coarse.half + i] = ordered[2 * i + 1];
    }
    if (coarse.nx % 2 == 1) split[coarse.nx / 2] = ordered[coarse.nx - 1];
    along = split;
  }
  if (fine.in_y.lower == nullptr) {
    add_points<T>(coarse, nullptr, along, coarse.b + (j * coarse.nz + k) * coarse.stride);
    return;
  }
  const Index row = (j / 2) * coarse.nz + k;
  T* here = coarse.b + row * coarse.stride;
  if (j % 2 == 0) {
    add_points<T>(coarse, nullptr, along, here);
    return;
  }
  add_points(coarse, fine.in_y.lower + row * fine.in_y.stride, along, here);
  if (j / 2 + 1 < coarse.ny)
    add_points(coarse, fine.in_y.upper + row * fine.in_y.stride, along, here + coarse.slab());
}

template <bool nine, typename T>
void restrict_slab(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse, Index j) {
  T* r = fine.row[0];
  for (Index k = 0; k < fine.nz; ++k) {
    for (int parity = 0; parity < 2; ++parity) {
      const VolumePoints<T> p(fine, j, k, parity);
      T* out = r + parity * fine.half;
      if (!nine) {
        if (((j + parity) & 1) == 0) {
#pragma omp simd
          for (Index i = 0; i < p.size; ++i) out[i] = p.in_row(i) + p.across(i);
        } else {
          for (Index i = 0; i < p.size; ++i) out[i] = 0;
        }
      } else if ((j & 1) == 0 && parity == 0) {
#pragma omp simd
        for (Index i = 0; i < p.size; ++i) out[i] = p.in_row(i) + p.across(i) + p.diagonals(i);
      } else if ((j & 1) == 0) {
#pragma omp simd
        for (Index i = 0; i < p.size; ++i) out[i] = p.across(i) + p.diagonals(i);
      } else if (parity == 0) {
#pragma omp simd
        for (Index i = 0; i < p.size; ++i) out[i] = p.in_row(i);
      } else {
        for (Index i = 0; i < p.size; ++i) out[i] = 0;
      }
    }
    restrict_points(fine, coarse, j, k, r);
  }
}

template <typename T>
void zero_slab(const VolumeLevel<T>& l, T* array, Index j) {
  T* values = array + j * l.slab();
  for (Index n = 0; n < l.slab() - 1; ++n) values[n] = 0;
}

// Slabs go through the phases one behind the other, so that those in work stay in the cache.
template <typename T>
void smooth_and_restrict(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse) {
  for (Index j = 0; j < coarse.ny; ++j) zero_slab(coarse, coarse.b, j);
  const Index ny = fine.ny;
  if (fine.rising == nullptr) {
    for (Index t = 0; t < ny + 2; ++t) {
      if (t < ny) relax_columns<Sum::none>(fine, t, static_cast<int>(t & 1));
      if (t >= 1 && t - 1 < ny) relax_columns<Sum::five>(fine, t - 1, static_cast<int>(t & 1));
      if (t >= 2) restrict_slab<false>(fine, coarse, t - 2);
    }
    return;
  }
  for (Index t = 0; t < ny + 2; t += 2) {
    if (t < ny) {
      zero_slab(fine, fine.x, t);
      if (t + 1 < ny) zero_slab(fine, fine.x, t + 1);
      relax_columns<Sum::nine>(fine, t, 0);
      relax_columns<Sum::nine>(fine, t, 1);
    }
    const bool odd = t >= 2 && t - 1 < ny;
    if (odd) {
      relax_columns<Sum::nine>(fine, t - 1, 0);
      relax_columns<Sum::nine>(fine, t - 1, 1);
    }
    if (t >= 2) restrict_slab<true>(fine, coarse, t - 2);
    if (odd) restrict_slab<true>(fine, coarse, t - 1);
  }
}

// --- Interpolation ---------------------------------------------------------------------------------------------------------------

// Columns that are relaxed first need no correction: black ones on five points, odd ones of odd rows on nine.
template <bool nine>
constexpr bool needs_correction(Index j, int parity) {
  return nine ? (j & 1) == 0 || parity == 0 : ((j + parity) & 1) == 0;
}

template <bool nine, typename T>
void interpolate_points(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse, Index j, Index k) {
  const bool halved = fine.in_y.lower != nullptr;
  const Index row = (halved ? j / 2 : j) * coarse.nz + k;
  const T* along = coarse.x + row * coarse.stride;
  if (halved && j % 2 == 1) {
    const T* lower = fine.in_y.lower + row * fine.in_y.stride;
    const T* upper = fine.in_y.upper + row * fine.in_y.stride;
    const T* next = along + coarse.slab();
    T* split = fine.row[2];
    for (int parity = 0; parity < 2; ++parity) {
      const Index begin = parity * coarse.half;
      const Index end = begin + count(coarse, parity);
#pragma omp simd
      for (Index i = begin; i < end; ++i) split[i] = lower[i] * along[i] + upper[i] * next[i];
    }
    along = split;
  }
  T* x = fine.x + (j * fine.nz + k) * fine.stride;
  if (fine.in_x.lower == nullptr) {
    for (int parity = 0; parity < 2; ++parity) {
      if (!needs_correction<nine>(j, parity)) continue;
      const Index begin = parity * fine.half;
      const Index end = begin + count(fine, parity);
#pragma omp simd
      for (Index i = begin; i < end; ++i) x[i] += along[i];
    }
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
  if (needs_correction<nine>(j, 0)) {
#pragma omp simd
    for (Index i = 0; i < count(fine, 0); ++i) x[i] += ordered[i];
  }
  if (needs_correction<nine>(j, 1)) {
    const Index weights = (j * fine.nz + k) * fine.in_x.stride;
    const T* lower = fine.in_x.lower + weights;
    const T* upper = fine.in_x.upper + weights;
    T* odd = x + fine.half;
#pragma omp simd
    for (Index i = 0; i < count(fine, 1); ++i) odd[i] += lower[i] * ordered[i] + upper[i] * ordered[i + 1];
  }
}

template <typename T>
void interpolate_and_smooth(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse) {
  const Index ny = fine.ny;
  if (fine.rising == nullptr) {
    for (Index t = 0; t < ny + 2; ++t) {
      for (Index k = 0; k < fine.nz && t < ny; ++k) interpolate_points<false>(fine, coarse, t, k);
      if (t >= 1 && t - 1 < ny) relax_columns<Sum::five>(fine, t - 1, static_cast<int>(t & 1));
      if (t >= 2) relax_columns<Sum::five>(fine, t - 2, static_cast<int>(t & 1));
    }
    return;
  }
  for (Index t = 0; t < ny + 2; ++t) {
    for (Index k = 0; k < fine.nz && t < ny; ++k) interpolate_points<true>(fine, coarse, t, k);
    if ((t & 1) == 1 || t < 2) continue;
    if (t - 1 < ny) {
      relax_columns<Sum::nine>(fine, t - 1, 1);
      relax_columns<Sum::nine>(fine, t - 1, 0);
    }
    relax_columns<Sum::nine>(fine, t - 2, 1);
    relax_columns<Sum::nine>(fine, t - 2, 0);
  }
}

template <typename T>
void solve_column(const VolumeLevel<T>& l) {
  relax_columns<Sum::none>(l, 0, 0);
}

// --- Into and out of the layout ----------------------------------------------------------------------------------------------------

template <typename T>
void take_volume_operator(const VolumeSetup& from, const VolumeLevel<T>& to) {
  for (Index row = 0; row < static_cast<Index>(to.ny) * to.nz; ++row) {
    const Index k = row % to.nz;
    const Index at = row * from.stride;
    const Index target = row * to.stride;
    split_row(to.nx, from.a.east + at, to.east + target, to.half);
    split_row(to.nx, from.a.north + at, to.north + target, to.half);
    split_row(to.nx, from.up + at, to.up + target, to.half);
    if (from.a.rising != nullptr) {
      split_row(to.nx, from.a.rising + at, to.rising + target, to.half);
      split_row(to.nx, from.a.falling + at, to.falling + target, to.half);
    }
    // Elimination from the top, without differences, as in volume_setup_loops.hpp; x holds s meanwhile.
    for (int parity = 0; parity < 2; ++parity) {
      T* inverse = to.inverse + target + parity * to.half;
      T* s = to.x + target + parity * to.half;
      const double* diagonal = from.a.diagonal + at + parity;
      const double* up = from.up + at + parity;
      for (Index i = 0; i < count(to, parity); ++i) {
        double sum = diagonal[2 * i] > 0 ? diagonal[2 * i] : 0;
        if (k > 0)
          sum +=
              up[2 * i] * static_cast<double>(s[i - to.stride]) * static_cast<double>(inverse[i - to.stride]);
        const double pivot = sum + (k + 1 < to.nz ? up[2 * i + from.stride] : 0);
        s[i] = static_cast<T>(sum);
        inverse[i] = static_cast<T>(pivot > 0 ? 1 / pivot : 0);
      }
    }
  }
}

template <typename T>
void take_volume_weights(int nx, Index rows, Index from_stride, const double* from, Index to_stride,
                         T* weights, Index half) {
  for (Index row = 0; row < rows; ++row) {
    const double* source = from + row * from_stride;
    T* target = weights + row * to_stride;
    if (half > 0) {
      split_row(nx, source, target, half);
    } else {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) target[i] = static_cast<T>(source[i]);
    }
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
