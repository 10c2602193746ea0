#pragma once
// The two passes of a cycle in three dimensions: Gauss-Seidel by columns, restriction, interpolation. Part of volume_kernels.cpp, which
// alone includes it.
//
// A step takes the columns in colours: red and black on five points a layer; on nine, even rows before odd ones, in each even points before
// odd ones. No column is a neighbour of another of its colour, so that each is solved exactly. A column's residual after a step is what its
// neighbours of later colours have changed since: for the first step from 0 the sum of conductance times x over these, and nothing else.

#include "solver/transfer_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

enum class Sum { none, five, nine };

// x = (b + sum over neighbours in the layer + up x above) / pivot from the top down, then the rest of the elimination from the bottom up.
template <Sum sum, typename T>
void relax_columns(const Level<T>& l, Index j, int parity) {
  for (Index k = 0; k < l.nz; ++k) {
    const Points<T> p(l, j, k, parity);
    const T* up = l.up + p.own;
    const T* above = k > 0 ? p.x - l.stride : p.b;  // up is 0 in the first layer
#pragma omp simd
    for (Index i = 0; i < p.size; ++i) {
      T value = p.b[i] + up[i] * above[i];
      if (sum != Sum::none) value += p.in_row(i) + p.across(i);
      if (sum == Sum::nine) value += p.diagonals(i);
      p.x[i] = value * p.inverse[i];
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

// coarse.b += the part of P^T r that comes from slab j.
template <bool nine, typename T>
void restrict_slab(const Level<T>& fine, const Level<T>& coarse, Index j) {
  T* r = fine.row[0];
  for (Index k = 0; k < fine.nz; ++k) {
    for (int parity = 0; parity < 2; ++parity) {
      const Points<T> p(fine, j, k, parity);
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
    restrict_row(fine, coarse, j, k, r);
  }
}

// Slabs go through the phases one behind the other, so that those in work stay in the cache.
template <typename T>
void smooth_and_restrict(const Level<T>& fine, const Level<T>& coarse) {
  for (Index j = 0; j < coarse.ny; ++j) zero_slab(coarse, coarse.b, j);
  const Index ny = fine.ny;
  if (fine.a.rising == nullptr) {
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

template <typename T>
void interpolate_and_smooth(const Level<T>& fine, const Level<T>& coarse) {
  const Index ny = fine.ny;
  if (fine.a.rising == nullptr) {
    for (Index t = 0; t < ny + 2; ++t) {
      for (Index k = 0; k < fine.nz && t < ny; ++k) interpolate_row(fine, coarse, t, k);
      if (t >= 1 && t - 1 < ny) relax_columns<Sum::five>(fine, t - 1, static_cast<int>(t & 1));
      if (t >= 2) relax_columns<Sum::five>(fine, t - 2, static_cast<int>(t & 1));
    }
    return;
  }
  for (Index t = 0; t < ny + 2; ++t) {
    for (Index k = 0; k < fine.nz && t < ny; ++k) interpolate_row(fine, coarse, t, k);
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
void solve_coarsest(const Level<T>& l) {
  relax_columns<Sum::none>(l, 0, 0);
}

// --- Into and out of the layout ----------------------------------------------------------------------------------------------------

template <typename T>
void take_operator(const SetupGrid& from, const Level<T>& to) {
  for (Index row = 0; row < static_cast<Index>(to.ny) * to.nz; ++row) {
    const Index k = row % to.nz;
    const Index at = row * from.stride;
    const Index target = row * to.stride;
    take_couplings(from, to, row);
    split_row(to.nx, from.up + at, to.up + target, to.half);
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

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
