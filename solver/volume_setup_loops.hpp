#pragma once
// Setting up a hierarchy in three dimensions. Part of volume_kernels.cpp, which alone includes it.

#include "solver/volume_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

// Equation of an odd point within its layer, summed across the direction: what couples it with its two neighbours along it, and an excess of
// the diagonal, which pulls it towards 0.
struct Pull {
  double behind, ahead, excess;
};

template <bool nine>
inline Pull pull_of(const Conductances<double>& f, const double* along, const double* across, Index g,
                    Index a, Index o, bool ignore_excess) {
  double behind = along[g - a];
  double ahead = along[g];
  if (nine) {
    behind += f.rising[g - a - o] + f.falling[g - a];
    ahead += f.rising[g] + f.falling[g - o];
  }
  const double diagonal = f.diagonal[g];
  const double excess = diagonal - behind - ahead - across[g] - across[g - o];
  return {behind > 0 ? behind : 0, ahead > 0 ? ahead : 0,
          ignore_excess || excess < 1e-10 * diagonal ? 0 : excess};
}

// Weights of a row of odd columns: the column's own equations, solved for neighbours that are constant along it. Elimination from the top
// without differences: with s the part of a pivot that is not the coupling with the layer below,
//   s_k = a_k + up_k s_(k-1) / pivot_(k-1),   pivot_k = s_k + up_(k+1).
template <bool in_x, bool nine>
void column_weights(const VolumeSetup& fine, const VolumeSetup& coarse, Index j, double* lower, double* upper,
                    double* scratch) {
  const Conductances<double>& f = fine.a;
  const double* along = in_x ? f.east : f.north;
  const double* across = in_x ? f.north : f.east;
  const Index a = in_x ? 1 : fine.slab();
  const Index o = in_x ? fine.slab() : 1;
  const Index nx = coarse.nx;
  const Index nz = coarse.nz;
  double* s = scratch;
  double* inverse = scratch + nx;
  double* ratio = scratch + 2 * nx;  // up_(k+1) / pivot_k of all layers
  const Index step = in_x ? 2 : 1;
  const bool even = (in_x ? fine.nx : fine.ny) % 2 == 0;
  // Beside a boundary along the direction, and in the first and last layer, the excess is that boundary's and says nothing of the
  // direction itself; except at the very end of the line, where only one neighbour is left.
  const bool at_end = !in_x && even && j == coarse.ny - 1;
  const bool beside = in_x && (j == 0 || j == coarse.ny - 1);
  for (Index k = 0; k < nz; ++k) {
    const bool outer = k == 0 || k == nz - 1;
    const Index first = (in_x ? (j * nz + k) : ((2 * j + 1) * nz + k)) * fine.stride + (in_x ? 1 : 0);
    double* l = lower + (j * nz + k) * coarse.stride;
    double* u = upper + (j * nz + k) * coarse.stride;
    const double* up = fine.up + first;
    const double* down = up + fine.stride;
    const Index above = -coarse.stride;
    const auto weigh = [&](Index i, bool ignore) {
      const Pull p = pull_of<nine>(f, along, across, first + step * i, a, o, ignore);
      const double from_above = k > 0 ? up[step * i] : 0;
      const double below = k + 1 < nz ? down[step * i] : 0;
      const double sum = p.behind + p.ahead + p.excess + (k > 0 ? from_above * s[i] * inverse[i] : 0);
      const double pivot = sum + below;
      const double inv = pivot > 0 ? 1 / pivot : 0;
      l[i] = (p.behind + (k > 0 ? from_above * l[i + above] : 0)) * inv;
      u[i] = (p.ahead + (k > 0 ? from_above * u[i + above] : 0)) * inv;
      s[i] = sum;
      inverse[i] = inv;
      ratio[k * nx + i] = below * inv;
    };
    const Index points = in_x ? fine.nx / 2 : nx;
    const Index last = in_x && even ? points - 1 : points;  // the end of the line is another matter
    const bool ignore = (outer || beside) && !at_end;
    if (k == 0) {
      for (Index i = 0; i < last; ++i) weigh(i, ignore || (!in_x && !at_end && (i == 0 || i == nx - 1)));
    } else if (ignore) {
#pragma omp simd
      for (Index i = 0; i < last; ++i) weigh(i, true);
    } else {
#pragma omp simd
      for (Index i = 0; i < last; ++i) weigh(i, !in_x && !at_end && (i == 0 || i == nx - 1));
    }
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
void coarsen_in(const VolumeSetup& fine, const VolumeSetup& coarse, double* lower, double* upper,
                double* scratch) {
  const Conductances<double>& f = fine.a;
  const Conductances<double>& c = coarse.a;
  const double* along = in_x ? f.east : f.north;
  const double* across = in_x ? f.north : f.east;
  double* coarse_along = in_x ? c.east : c.north;
  double* coarse_across = in_x ? c.north : c.east;
  const Index a = in_x ? 1 : fine.slab();
  const Index ca = in_x ? 1 : coarse.slab();
  const Index co = in_x ? coarse.slab() : 1;
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
        const Index p = fine_row + (in_x ? 2 * i : i);  // the coarse point itself
        const Index g = p + a;                          // odd neighbours
        const Index h = p - a;
        const double l = lower[n], u = upper[n];            // of g
        const double hu = upper[n - ca];                    // of h
        const double m = lower[n + co], s = upper[n + co];  // of the point across from g
        const double hs = upper[n + co - ca];               // of the point across from h
        const double terms = f.diagonal[p] + l * l * f.diagonal[g] + hu * hu * f.diagonal[h];
        const double diagonal = terms - 2 * l * along[p] - 2 * hu * along[h];
        c.diagonal[n] = diagonal > 1e-14 * terms ? diagonal : 0;  // rounding is not to hold a column
        coarse_along[n] = u * along[p] + l * along[g] - l * u * f.diagonal[g];
        double straight = across[p] + l * m * across[g] + hu * hs * across[h];
        double rising = l * s * across[g];
        double falling = u * m * across[g];
        if (nine) {
          straight += m * f.rising[p] + hu * f.rising[h] + l * f.falling[p] + hs * f.falling[h];
          rising += s * f.rising[p] + l * f.rising[g];
          falling += u * f.falling[p] + m * f.falling[g];
        }
        coarse_across[n] = straight;
        c.rising[n] = rising;
        c.falling[n] = falling;
        coarse.up[n] = fine.up[p] + 0.5 * (l + lower[n - top]) * fine.up[g] +
                       0.5 * (hu + upper[n - ca - top]) * fine.up[h];
      }
      if (k == 0) continue;
#pragma omp simd
      for (Index i = 0; i < coarse.nx; ++i) {
        const Index n = row + i;
        const Index p = fine_row + (in_x ? 2 * i : i);
        const double own = stretched(fine.up[p + a], lower, upper, n, top);
        const double other = stretched(fine.up[p - a], lower, upper, n - ca, top);
        coarse_along[n] += own;
        coarse_along[n - top] += own;
        c.diagonal[n] += own + other;
        c.diagonal[n - top] += own + other;
      }
    }
  }
}

template <bool in_x>
void coarsen(const VolumeSetup& fine, const VolumeSetup& coarse, double* lower, double* upper,
             double* scratch) {
  if (fine.a.rising != nullptr) {
    coarsen_in<in_x, true>(fine, coarse, lower, upper, scratch);
  } else {
    coarsen_in<in_x, false>(fine, coarse, lower, upper, scratch);
  }
}

void take_stencil(double factor, const double* tx, const double* ty, const double* tz, const double* well,
                  const VolumeSetup& to) {
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

Coupling coupling(const VolumeSetup& g) {
  double sum_x = 0;
  double sum_y = 0;
  for (Index row = 0; row < static_cast<Index>(g.ny) * g.nz; ++row) {
    const double* east = g.a.east + row * g.stride;
    const double* north = g.a.north + row * g.stride;
    const double* rising = g.a.rising ? g.a.rising + row * g.stride : east;
    const double* falling = g.a.rising ? g.a.falling + row * g.stride : east;
    const double nine = g.a.rising ? 1 : 0;
    const Index down = g.slab();
#pragma omp simd reduction(+ : sum_x, sum_y)
    for (Index i = 0; i < g.nx; ++i) {
      const double diagonals = nine * (rising[i] + falling[i - 1] + falling[i - down] + rising[i - down - 1]);
      const double along_x = east[i] + east[i - 1] + diagonals;
      const double along_y = north[i] + north[i - down] + diagonals;
      const double x = along_x > 0 ? along_x : 0;
      const double y = along_y > 0 ? along_y : 0;
      const double inverse = x + y > 0 ? 1 / (x + y) : 0;
      sum_x += x * inverse;
      sum_y += y * inverse;
    }
  }
  return {sum_x, sum_y};
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
