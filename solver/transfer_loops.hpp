#pragma once
// A row between two levels of a cycle: the residual restricted, the correction interpolated. Part of flat_kernels.cpp and
// volume_kernels.cpp, which alone include it.

#include "solver/layout_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

template <typename T>
void zero_slab(const Level<T>& l, T* array, Index j) {
  T* values = array + j * l.slab();
  for (Index n = 0; n < l.slab() - 1; ++n) values[n] = 0;
}

// to += factor * from for a row in a level's layout, `factor` null for 1.
template <typename T>
void add_row(const Level<T>& l, const T* factor, const T* from, T* to) {
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
void restrict_row(const Level<T>& fine, const Level<T>& coarse, Index j, Index k, const T* r) {
  const T* along = r;
  if (fine.in_x.lower != nullptr) {
    const Index weights = (j * fine.nz + k) * fine.in_x.stride;
    const T* lower = fine.in_x.lower + weights;
    const T* upper = fine.in_x.upper + weights;
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
    add_row<T>(coarse, nullptr, along, coarse.b + (j * coarse.nz + k) * coarse.stride);
    return;
  }
  const Index row = (j / 2) * coarse.nz + k;
  T* here = coarse.b + row * coarse.stride;
  if (j % 2 == 0) {
    add_row<T>(coarse, nullptr, along, here);
    return;
  }
  add_row(coarse, fine.in_y.lower + row * fine.in_y.stride, along, here);
  if (j / 2 + 1 < coarse.ny)
    add_row(coarse, fine.in_y.upper + row * fine.in_y.stride, along, here + coarse.slab());
}

// Points that are relaxed first afterwards need no correction: black ones on five points, odd ones of odd rows on nine.
template <typename T>
bool needs_correction(const Level<T>& l, Index j, int parity) {
  return l.a.rising != nullptr ? (j & 1) == 0 || parity == 0 : ((j + parity) & 1) == 0;
}

// fine.x += the row (j, k) of P coarse.x.
template <typename T>
void interpolate_row(const Level<T>& fine, const Level<T>& coarse, Index j, Index k) {
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
      if (!needs_correction(fine, j, parity)) continue;
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
  if (needs_correction(fine, j, 0)) {
#pragma omp simd
    for (Index i = 0; i < count(fine, 0); ++i) x[i] += ordered[i];
  }
  if (needs_correction(fine, j, 1)) {
    const Index weights = (j * fine.nz + k) * fine.in_x.stride;
    const T* lower = fine.in_x.lower + weights;
    const T* upper = fine.in_x.upper + weights;
    T* odd = x + fine.half;
#pragma omp simd
    for (Index i = 0; i < count(fine, 1); ++i) odd[i] += lower[i] * ordered[i] + upper[i] * ordered[i + 1];
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
