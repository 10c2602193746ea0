#pragma once
// Setting up a hierarchy of flat grids: the finest operator from the transmissibilities, a coarser one from a finer one. Part of
// flat_kernels.cpp, which alone includes it.

#include "solver/setup_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// Weights of the odd point g: its equation, summed across the direction, solved for its two neighbours along it.
template <bool nine, bool in_x>
inline void weights_of(const Conductances<double>& f, const Directions<in_x>& d, Index g, bool ignore_excess,
                       double& lower, double& upper) {
  const Pull p = pull_of<nine>(f, d, g, ignore_excess);
  const double sum = p.behind + p.ahead + p.excess;
  lower = sum > 0 ? p.behind / sum : 0;
  upper = sum > 0 ? p.ahead / sum : 0;
}

template <bool in_x, bool nine>
void coarsen_in(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper) {
  const Conductances<double>& f = fine.a;
  const Conductances<double>& c = coarse.a;
  const Directions<in_x> d(fine, coarse);
  const auto fine_index = [&](Index i, Index j) {
    return in_x ? j * fine.stride + 2 * i : 2 * j * fine.stride + i;
  };

  for (Index j = 0; j < coarse.ny; ++j) {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) {
      const Index n = j * coarse.stride + i;
      weights_of<nine>(f, d, fine_index(i, j) + d.a, false, lower[n], upper[n]);
    }
  }
  // Beside a boundary along the direction the excess is that boundary's, and says nothing of the direction itself; except
  // at the very end of the line, where only one neighbour is left.
  const Index last_line = (in_x ? coarse.ny : coarse.nx) - 1;
  const Index odd_points = (in_x ? fine.nx : fine.ny) / 2;
  const bool even = (in_x ? fine.nx : fine.ny) % 2 == 0;
  for (int end = 0; end < 2; ++end) {
    const Index line = end == 0 ? 0 : last_line;
    for (Index p = 0; p + (even ? 1 : 0) < odd_points; ++p) {
      const Index i = in_x ? p : line;
      const Index j = in_x ? line : p;
      const Index n = j * coarse.stride + i;
      weights_of<nine>(f, d, fine_index(i, j) + d.a, true, lower[n], upper[n]);
    }
  }

  for (Index j = 0; j < coarse.ny; ++j) {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) {
      const Index n = j * coarse.stride + i;
      const Index p = fine_index(i, j);
      const Index g = p + d.a;
      const Index h = p - d.a;
      const Weights w(d, lower, upper, n);
      c.diagonal[n] = f.diagonal[p] + w.l * (w.l * f.diagonal[g] - 2 * d.along[p]) +
                      w.hu * (w.hu * f.diagonal[h] - 2 * d.along[h]);
      coarsen_couplings<nine>(f, d, w, p, c, n);
    }
  }
}

template <bool in_x>
void coarsen(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper,
             double* /*scratch*/) {
  if (fine.a.rising != nullptr) {
    coarsen_in<in_x, true>(fine, coarse, lower, upper);
  } else {
    coarsen_in<in_x, false>(fine, coarse, lower, upper);
  }
}

void take_stencil(double factor, const double* tx, const double* ty, const double* /*tz*/, const double* well,
                  const SetupGrid& to) {
  const Index nx = to.nx;
  for (Index j = 0; j < to.ny; ++j) {
    const Index at = j * to.stride;
    const double* west = tx + j * (nx + 1);
    const double* south = ty + j * nx;
    const double* north = south + nx;
#pragma omp simd
    for (Index i = 0; i < nx; ++i) {
      to.a.diagonal[at + i] = factor * (west[i] + west[i + 1] + south[i] + north[i]);
      to.a.east[at + i] = factor * west[i + 1];
      to.a.north[at + i] = factor * north[i];
    }
    to.a.east[at + nx - 1] = 0;
    if (well != nullptr) {
      for (Index i = 0; i < nx; ++i) to.a.diagonal[at + i] += factor * well[j * nx + i];
    }
  }
  for (Index i = 0; i < nx; ++i) to.a.north[(to.ny - 1) * to.stride + i] = 0;
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
