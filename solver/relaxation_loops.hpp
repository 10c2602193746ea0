#pragma once
// Gauss-Seidel steps on the rows of a level, and what they leave of the residual. Part of multigrid_kernels.cpp, which alone includes it.

#include "solver/layout_loops.hpp"
#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// The points of one row whose columns have one parity, and what they are coupled with. The neighbours in the row and
// across the diagonals have the other parity: index I + west and I + east there.
template <typename T>
struct Points {
  Index size, west, east;
  const T *e, *e_other, *n, *n_below, *r, *r_below_other, *f_other, *f_below, *d, *inverse, *b;
  T* x;
  const T *x_other, *below, *above, *below_other, *above_other;

  Points(const Level<T>& l, Index j, int parity) : size(count(l, parity)), west(parity - 1), east(parity) {
    const Index own = j * l.stride + parity * l.half;
    const Index other = j * l.stride + (1 - parity) * l.half;
    e = l.a.east + own;
    e_other = l.a.east + other;
    n = l.a.north + own;
    n_below = n - l.stride;
    const bool nine = l.a.rising != nullptr;
    r = nine ? l.a.rising + own : nullptr;
    r_below_other = nine ? l.a.rising + other - l.stride : nullptr;
    f_other = nine ? l.a.falling + other : nullptr;
    f_below = nine ? l.a.falling + own - l.stride : nullptr;
    d = l.a.diagonal + own;
    inverse = l.inverse_diagonal + own;
    b = l.b + own;
    x = l.x + own;
    x_other = l.x + other;
    below = x - l.stride;
    above = x + l.stride;
    below_other = x_other - l.stride;
    above_other = x_other + l.stride;
  }

  T five(Index i) const {
    return e_other[i + west] * x_other[i + west] + e[i] * x_other[i + east] + n_below[i] * below[i] +
           n[i] * above[i];
  }
  T nine(Index i) const {
    return five(i) + r[i] * above_other[i + east] + r_below_other[i + west] * below_other[i + west] +
           f_other[i + west] * above_other[i + west] + f_below[i] * below_other[i + east];
  }
};

// Solves the equations of the points of one row whose columns have one parity. None of them is a neighbour of another.
template <typename T>
void relax_points(const Level<T>& l, Index j, int parity) {
  const Points<T> p(l, j, parity);
  if (l.a.rising == nullptr) {
#pragma omp simd
    for (Index i = 0; i < p.size; ++i) p.x[i] = (p.b[i] + p.five(i)) * p.inverse[i];
  } else {
#pragma omp simd
    for (Index i = 0; i < p.size; ++i) p.x[i] = (p.b[i] + p.nine(i)) * p.inverse[i];
  }
}

// Two phases make a step. Five points: red, then black. Nine points: even rows, then odd ones, in each row red before
// black; backwards where `reversed`.
template <typename T>
void relax(const Level<T>& l, Index j, int phase, bool reversed) {
  if (l.a.rising == nullptr) {
    relax_points(l, j, static_cast<int>((j + phase) & 1));
  } else if ((j & 1) == phase) {
    relax_points(l, j, reversed ? 1 : 0);
    relax_points(l, j, reversed ? 0 : 1);
  }
}

// The first phase of all, from x = 0.
template <typename T>
void relax_zero(const Level<T>& l, Index j) {
  if (l.a.rising == nullptr) {
    const Points<T> p(l, j, static_cast<int>(j & 1));
#pragma omp simd
    for (Index i = 0; i < p.size; ++i) p.x[i] = p.b[i] * p.inverse[i];
    return;
  }
  T* row = l.x + j * l.stride;
  const Index rows = j + 1 < l.ny ? 2 : 1;  // an even row looks at the next one
  for (Index i = 0; i < (rows - 1) * l.stride + l.half + l.nx / 2; ++i) row[i] = 0;
  relax(l, j, 0, false);
}

// b - A x in a row. On five points the black half is exactly 0 after a step.
template <typename T>
void residual_row(const Level<T>& l, Index j, T* out) {
  for (int parity = 0; parity < 2; ++parity) {
    const Points<T> p(l, j, parity);
    T* r = out + parity * l.half;
    if (l.a.rising != nullptr) {
#pragma omp simd
      for (Index i = 0; i < p.size; ++i) r[i] = p.b[i] + p.nine(i) - p.d[i] * p.x[i];
    } else if ((j & 1) == parity) {
#pragma omp simd
      for (Index i = 0; i < p.size; ++i) r[i] = p.b[i] + p.five(i) - p.d[i] * p.x[i];
    } else {
      for (Index i = 0; i < p.size; ++i) r[i] = 0;
    }
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
