#pragma once
// A row between two levels of a cycle: the residual restricted, the correction interpolated. Part of multigrid_kernels.cpp, which alone includes it.

#include "solver/layout_loops.hpp"
#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

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

// coarse.b += the part of P^T r that comes from row j; `r` has zeros outside.
template <typename T>
void restrict_row(const Level<T>& fine, const Level<T>& coarse, Index j, const T* r) {
  const T* along = r;
  if (fine.in_x.lower != nullptr) {
    const T* lower = fine.in_x.lower + j * fine.in_x.stride;
    const T* upper = fine.in_x.upper + j * fine.in_x.stride;
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
    add_row<T>(coarse, nullptr, along, coarse.b + j * coarse.stride);
    return;
  }
  const Index row = j / 2;
  T* here = coarse.b + row * coarse.stride;
  if (j % 2 == 0) {
    add_row<T>(coarse, nullptr, along, here);
    return;
  }
  add_row(coarse, fine.in_y.lower + row * fine.in_y.stride, along, here);
  if (row + 1 < coarse.ny)
    add_row(coarse, fine.in_y.upper + row * fine.in_y.stride, along, here + coarse.stride);
}

template <typename T>
void interpolate_row(const Level<T>& fine, const Level<T>& coarse, Index j) {
  const bool halved = fine.in_y.lower != nullptr;
  const Index row = halved ? j / 2 : j;
  const T* along = coarse.x + row * coarse.stride;
  if (halved && j % 2 == 1) {
    const T* lower = fine.in_y.lower + row * fine.in_y.stride;
    const T* upper = fine.in_y.upper + row * fine.in_y.stride;
    const T* next = along + coarse.stride;
    T* split = fine.row[2];
    for (int parity = 0; parity < 2; ++parity) {
      const Index begin = parity * coarse.half;
      const Index end = begin + count(coarse, parity);
#pragma omp simd
      for (Index i = begin; i < end; ++i) split[i] = lower[i] * along[i] + upper[i] * next[i];
    }
    along = split;
  }
  T* x = fine.x + j * fine.stride;
  if (fine.in_x.lower == nullptr) {
    add_row<T>(fine, nullptr, along, x);
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
  const T* lower = fine.in_x.lower + j * fine.in_x.stride;
  const T* upper = fine.in_x.upper + j * fine.in_x.stride;
  // On five points, black points are relaxed next and need no correction.
  if (fine.a.rising != nullptr || j % 2 == 0) {
#pragma omp simd
    for (Index i = 0; i < count(fine, 0); ++i) x[i] += ordered[i];
  }
  if (fine.a.rising != nullptr || j % 2 == 1) {
    T* odd = x + fine.half;
#pragma omp simd
    for (Index i = 0; i < count(fine, 1); ++i) odd[i] += lower[i] * ordered[i] + upper[i] * ordered[i + 1];
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
