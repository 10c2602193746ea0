#pragma once
// What the loops of flat grids and of volumes share: rows in the layout of a cycle's levels, even points first, and what their points are
// coupled with. Part of flat_kernels.cpp and volume_kernels.cpp, which alone include it.

#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

template <typename T>
Index count(const Level<T>& l, int parity) {
  return (l.nx + 1 - parity) / 2;
}

// A row in double precision, even points first.
template <typename T>
void split_row(int nx, const double* from, T* to, Index half) {
#pragma omp simd
  for (Index i = 0; i < nx / 2; ++i) {
    to[i] = static_cast<T>(from[2 * i]);
    to[half + i] = static_cast<T>(from[2 * i + 1]);
  }
  if (nx % 2 == 1) to[nx / 2] = static_cast<T>(from[nx - 1]);
}

template <typename T>
void take_weights(int nx, Index rows, Index from_stride, const double* from, const Interpolation<T>& to,
                  T* weights, Index half) {
  for (Index row = 0; row < rows; ++row) {
    const double* source = from + row * from_stride;
    T* target = weights + row * to.stride;
    if (half > 0) {
      split_row(nx, source, target, half);
    } else {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) target[i] = static_cast<T>(source[i]);
    }
  }
}

// One row of an operator without its diagonal.
template <typename T>
void take_couplings(const SetupGrid& from, const Level<T>& to, Index row) {
  const Index at = row * from.stride;
  const Index target = row * to.stride;
  split_row(to.nx, from.a.east + at, to.a.east + target, to.half);
  split_row(to.nx, from.a.north + at, to.a.north + target, to.half);
  if (from.a.rising != nullptr) {
    split_row(to.nx, from.a.rising + at, to.a.rising + target, to.half);
    split_row(to.nx, from.a.falling + at, to.a.falling + target, to.half);
  }
}

// The points of row (j, k) whose i have one parity, and what they are coupled with in their layer. The neighbours in the row and across
// the diagonals have the other parity: index I + west and I + east there.
template <typename T>
struct Points {
  Index own, size, west, east;
  const T *e, *e_other, *n, *n_below, *r, *r_below_other, *f_other, *f_below;
  const T *inverse, *b;
  T* x;
  const T *x_other, *below, *above, *below_other, *above_other;

  Points(const Level<T>& l, Index j, Index k, int parity)
      : own((j * l.nz + k) * l.stride + parity * l.half),
        size(count(l, parity)),
        west(parity - 1),
        east(parity) {
    const Index slab = l.slab();
    const Index other = own + (1 - 2 * parity) * l.half;
    e = l.a.east + own;
    e_other = l.a.east + other;
    n = l.a.north + own;
    n_below = n - slab;
    const bool nine = l.a.rising != nullptr;
    r = nine ? l.a.rising + own : nullptr;
    r_below_other = nine ? l.a.rising + other - slab : nullptr;
    f_other = nine ? l.a.falling + other : nullptr;
    f_below = nine ? l.a.falling + own - slab : nullptr;
    inverse = l.inverse + own;
    b = l.b + own;
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
  // Sums over all neighbours in the layer, one after the other.
  T five(Index i) const { return in_row(i) + n_below[i] * below[i] + n[i] * above[i]; }
  T nine(Index i) const {
    return five(i) + r[i] * above_other[i + east] + r_below_other[i + west] * below_other[i + west] +
           f_other[i + west] * above_other[i + west] + f_below[i] * below_other[i + east];
  }
};

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
