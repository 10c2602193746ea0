#pragma once
// Into and out of the layout of a cycle's levels, even columns first: operators, weights, right-hand sides and solutions.
// Part of multigrid_kernels.cpp, which alone includes it.

#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

template <typename T>
Index count(const Level<T>& l, int parity) {
  return (l.nx + 1 - parity) / 2;
}

// A row in double precision, even columns first.
template <typename T>
void split_row(int nx, const double* from, T* to, Index half) {
#pragma omp simd
  for (Index i = 0; i < nx / 2; ++i) {
    to[i] = static_cast<T>(from[2 * i]);
    to[half + i] = static_cast<T>(from[2 * i + 1]);
  }
  if (nx % 2 == 1) to[nx / 2] = static_cast<T>(from[nx - 1]);
}

// The weights of one interpolation; with half = 0 they stay in their order.
template <typename T>
void take_weights(int nx, int ny, Index from_stride, const double* from, const Interpolation<T>& to,
                  T* weights, Index half) {
  for (Index j = 0; j < ny; ++j) {
    const double* source = from + j * from_stride;
    T* target = weights + j * to.stride;
    if (half > 0) {
      split_row(nx, source, target, half);
    } else {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) target[i] = static_cast<T>(source[i]);
    }
  }
}

template <typename T>
void take_operator(const SetupGrid& from, const Level<T>& to) {
  for (Index j = 0; j < to.ny; ++j) {
    const Index at = j * from.stride;
    const Index target = j * to.stride;
    split_row(to.nx, from.a.diagonal + at, to.a.diagonal + target, to.half);
    split_row(to.nx, from.a.east + at, to.a.east + target, to.half);
    split_row(to.nx, from.a.north + at, to.a.north + target, to.half);
    if (from.a.rising != nullptr) {
      split_row(to.nx, from.a.rising + at, to.a.rising + target, to.half);
      split_row(to.nx, from.a.falling + at, to.a.falling + target, to.half);
    }
    for (int parity = 0; parity < 2; ++parity) {
      const T* diagonal = to.a.diagonal + target + parity * to.half;
      T* inverse = to.inverse_diagonal + target + parity * to.half;
#pragma omp simd
      for (Index i = 0; i < count(to, parity); ++i) inverse[i] = diagonal[i] > 0 ? 1 / diagonal[i] : 0;
    }
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
