#pragma once
// The two passes of a cycle in a flat grid: Gauss-Seidel steps, restriction, interpolation. Part of flat_kernels.cpp, which alone includes it.

#include "solver/transfer_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// Two steps of two phases each. One step takes as long in all: half the time a cycle, 1.5 times the cycles.
constexpr Index kPhases = 4;

// Solves the equations of the points of one row whose columns have one parity. None of them is a neighbour of another.
template <typename T>
void relax_points(const Level<T>& l, Index j, int parity) {
  const Points<T> p(l, j, 0, parity);
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
    const Points<T> p(l, j, 0, static_cast<int>(j & 1));
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
    const Points<T> p(l, j, 0, parity);
    const T* d = l.a.diagonal + p.own;
    T* r = out + parity * l.half;
    if (l.a.rising != nullptr) {
#pragma omp simd
      for (Index i = 0; i < p.size; ++i) r[i] = p.b[i] + p.nine(i) - d[i] * p.x[i];
    } else if ((j & 1) == parity) {
#pragma omp simd
      for (Index i = 0; i < p.size; ++i) r[i] = p.b[i] + p.five(i) - d[i] * p.x[i];
    } else {
      for (Index i = 0; i < p.size; ++i) r[i] = 0;
    }
  }
}

// Both passes go through the rows once: phase k works k rows behind the first one, where its neighbours are ready, so that
// the rows in work stay in the cache.
template <typename T>
void smooth_and_restrict(const Level<T>& fine, const Level<T>& coarse) {
  for (Index j = 0; j < coarse.ny; ++j) zero_slab(coarse, coarse.b, j);
  for (Index t = 0; t < fine.ny + kPhases; ++t) {
    if (t < fine.ny) relax_zero(fine, t);
    for (Index k = 1; k < kPhases; ++k) {
      if (t >= k && t - k < fine.ny) relax(fine, t - k, static_cast<int>(k & 1), false);
    }
    if (t >= kPhases) {
      residual_row(fine, t - kPhases, fine.row[0]);
      restrict_row(fine, coarse, t - kPhases, 0, fine.row[0]);
    }
  }
}

template <typename T>
void interpolate_and_smooth(const Level<T>& fine, const Level<T>& coarse) {
  for (Index t = 0; t < fine.ny + kPhases; ++t) {
    if (t < fine.ny) interpolate_row(fine, coarse, t, 0);
    for (Index k = 0; k < kPhases; ++k) {
      const Index j = t - 1 - k;
      if (j >= 0 && j < fine.ny) relax(fine, j, static_cast<int>((k + 1) & 1), true);
    }
  }
}

template <typename T>
void solve_coarsest(const Level<T>& l) {
  l.x[0] = l.b[0] * l.inverse[0];
}

template <typename T>
void take_operator(const SetupGrid& from, const Level<T>& to) {
  for (Index j = 0; j < to.ny; ++j) {
    take_couplings(from, to, j);
    split_row(to.nx, from.a.diagonal + j * from.stride, to.a.diagonal + j * to.stride, to.half);
    for (int parity = 0; parity < 2; ++parity) {
      const Index own = j * to.stride + parity * to.half;
      const T* diagonal = to.a.diagonal + own;
      T* inverse = to.inverse + own;
#pragma omp simd
      for (Index i = 0; i < count(to, parity); ++i) inverse[i] = diagonal[i] > 0 ? 1 / diagonal[i] : 0;
    }
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
