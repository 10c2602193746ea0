#pragma once
// Setting up a hierarchy in three dimensions. Part of volume_kernels.cpp, which alone includes it.

#include "solver/setup_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// Weights of a row of odd columns: the column's own equations, solved for neighbours that are constant along it. Elimination from the top
// without differences: with s the part of a pivot that is not the coupling with the layer below,
//   s_k = a_k + up_k s_(k-1) / pivot_(k-1),   pivot_k = s_k + up_(k+1).
template <bool in_x, bool nine>
void column_weights(const SetupGrid& fine, const SetupGrid& coarse, Index j, double* lower, double* upper,
                    double* scratch) {
  const Directions<in_x> d(fine, coarse);
  const Index nx = coarse.nx;
  const Index nz = coarse.nz;
  double* s = scratch;
  double* inverse = scratch + nx;
  double* ratio = scratch + 2 * nx;  // up_(k+1) / pivot_k of all layers
  const Index step = in_x ? 2 : 1;
  const bool even = (in_x ? fine.nx : fine.ny) % 2 == 0;
  const Index points = in_x ? fine.nx / 2 : nx;
  const Index last = in_x && even ? points - 1 : points;  // the end of the line is another matter
  // Beside a boundary along the direction, and in the first and last layer, the excess is that boundary's and says nothing of the
  // direction itself; except at the very end of the line, where only one neighbour is left.
  const bool at_end = !in_x && even && j == coarse.ny - 1;
  const bool beside = in_x && (j == 0 || j == coarse.ny - 1);
  for (Index i = 0; i < 2 * nx; ++i) scratch[i] = 0;  // what the first layer, whose up is 0, takes from above
  for (Index k = 0; k < nz; ++k) {
    const Index first = (in_x ? (j * nz + k) : ((2 * j + 1) * nz + k)) * fine.stride + (in_x ? 1 : 0);
    double* l = lower + (j * nz + k) * coarse.stride;
    double* u = upper + (j * nz + k) * coarse.stride;
    const double* up = fine.up + first;
    const double* down = up + fine.stride;  // 0 below the last layer
    const auto weigh = [&](Index i, bool ignore_excess) {
      const Pull p = pull_of<nine>(fine.a, d, first + step * i, ignore_excess);
      const double from_above = up[step * i];
      const double sum = p.behind + p.ahead + p.excess + from_above * s[i] * inverse[i];
      const double pivot = sum + down[step * i];
      const double inv = pivot > 0 ? 1 / pivot : 0;
      l[i] = (p.behind + from_above * l[i - coarse.stride]) * inv;
      u[i] = (p.ahead + from_above * u[i - coarse.stride]) * inv;
      s[i] = sum;
      inverse[i] = inv;
      ratio[k * nx + i] = down[step * i] * inv;
    };
    const bool ignore = (k == 0 || k == nz - 1 || beside) && !at_end;
#pragma omp simd
    for (Index i = 0; i < last; ++i) weigh(i, ignore || (!in_x && !at_end && (i == 0 || i == nx - 1)));
    for (Index i = last; i < points; ++i) weigh(i, false);
    for (Index i = points; i < nx; ++i) l[i] = u[i] = ratio[k * nx + i] = 0;
  }
  for (Index k = nz - 2; k >= 0; --k) {
    double* l = lower + (j * nz + k) * coarse.stride;
    double* u = upper + (j * nz + k) * coarse.stride;
    const double* r = ratio + k * nx;
#pragma omp simd
    for (Index i = 0; i < nx; ++i) {
      l[i] += r[i] * l[i + coarse.stride];
      u[i] += r[i] * u[i + coarse.stride];
    }
  }
}

// Half of the conductance along the direction that a column adds because its weights change from layer to layer: neighbours constant
// along it drive a flow of up * change of the weight from one layer to the next.
inline double stretched(double up, const double* lower, const double* upper, Index n, Index top) {
  const double change = 0.5 * ((lower[n] - lower[n - top]) - (upper[n] - upper[n - top]));
  return 0.5 * up * change * change;
}

// P^T A P within each layer; the coupling between layers is its sum over what a coarse point takes in, without coupling across.
template <bool in_x, bool nine>
void coarsen_in(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper,
                double* scratch) {
  const Conductances<double>& f = fine.a;
  const Conductances<double>& c = coarse.a;
  const Directions<in_x> d(fine, coarse);
  const Index nz = coarse.nz;
  for (Index j = 0; j < (in_x ? coarse.ny : fine.ny / 2); ++j)
    column_weights<in_x, nine>(fine, coarse, j, lower, upper, scratch);
  for (Index j = 0; j < coarse.ny; ++j) {
    for (Index k = 0; k < nz; ++k) {
      const Index row = (j * nz + k) * coarse.stride;
      const Index fine_row = ((in_x ? j : 2 * j) * nz + k) * fine.stride;
      const Index top = k > 0 ? coarse.stride : 0;
#pragma omp simd
      for (Index i = 0; i < coarse.nx; ++i) {
        const Index n = row + i;
        const Index p = fine_row + (in_x ? 2 * i : i);
        const Index g = p + d.a;
        const Index h = p - d.a;
        const Weights w(d, lower, upper, n);
        const double terms = f.diagonal[p] + w.l * w.l * f.diagonal[g] + w.hu * w.hu * f.diagonal[h];
        const double diagonal = terms - 2 * w.l * d.along[p] - 2 * w.hu * d.along[h];
        c.diagonal[n] = diagonal > 1e-14 * terms ? diagonal : 0;  // rounding is not to hold a column
        coarsen_couplings<nine>(f, d, w, p, c, n);
        coarse.up[n] = fine.up[p] + 0.5 * (w.l + lower[n - top]) * fine.up[g] +
                       0.5 * (w.hu + upper[n - d.ca - top]) * fine.up[h];
      }
      if (k == 0) continue;
#pragma omp simd
      for (Index i = 0; i < coarse.nx; ++i) {
        const Index n = row + i;
        const Index p = fine_row + (in_x ? 2 * i : i);
        const double own = stretched(fine.up[p + d.a], lower, upper, n, top);
        const double other = stretched(fine.up[p - d.a], lower, upper, n - d.ca, top);
        d.coarse_along[n] += own;
        d.coarse_along[n - top] += own;
        c.diagonal[n] += own + other;
        c.diagonal[n - top] += own + other;
      }
    }
  }
}

template <bool in_x>
void coarsen(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper, double* scratch) {
  if (fine.a.rising != nullptr) {
    coarsen_in<in_x, true>(fine, coarse, lower, upper, scratch);
  } else {
    coarsen_in<in_x, false>(fine, coarse, lower, upper, scratch);
  }
}

void take_stencil(double factor, const double* tx, const double* ty, const double* tz, const double* well,
                  const SetupGrid& to) {
  const Index nx = to.nx, ny = to.ny, nz = to.nz;
  for (Index j = 0; j < ny; ++j) {
    for (Index k = 0; k < nz; ++k) {
      const Index at = (j * nz + k) * to.stride;
      const Index row = k * ny + j;
      const double* west = tx + row * (nx + 1);
      const double* south = ty + (k * (ny + 1) + j) * nx;
      const double* north = south + nx;
      const double* top = tz + row * nx;
      const double* bottom = top + ny * nx;
      const double inner = k > 0 ? 1 : 0;        // top joins two cells
      const double lowest = k + 1 < nz ? 0 : 1;  // bottom is a boundary
      const double last = j + 1 < ny ? factor : 0;
#pragma omp simd
      for (Index i = 0; i < nx; ++i) {
        to.a.diagonal[at + i] = factor * (west[i] + west[i + 1] + south[i] + north[i] + (1 - inner) * top[i] +
                                          lowest * bottom[i]);
        to.a.east[at + i] = factor * west[i + 1];
        to.a.north[at + i] = last * north[i];
        to.up[at + i] = inner * factor * top[i];
      }
      to.a.east[at + nx - 1] = 0;
      if (well != nullptr) {
        for (Index i = 0; i < nx; ++i) to.a.diagonal[at + i] += factor * well[row * nx + i];
      }
    }
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
