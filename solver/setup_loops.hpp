#pragma once
// Setting up a hierarchy: the finest operator from the transmissibilities, a coarser one from a finer one, and how strongly neighbours
// couple. Part of multigrid_kernels.cpp, which alone includes it.

#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

// Weights of the odd point g: its equation, summed across the direction, solved for its two neighbours along it.
// An excess of the diagonal, a pressure boundary or a well, pulls the value towards 0, unless `ignore_excess`.
template <bool nine>
inline void weights_of(const Conductances<double>& f, const double* along, const double* across, Index g,
                       Index a, Index o, bool ignore_excess, double& lower, double& upper) {
  double behind = along[g - a];
  double ahead = along[g];
  if (nine) {
    behind += f.rising[g - a - o] + f.falling[g - a];
    ahead += f.rising[g] + f.falling[g - o];
  }
  const double diagonal = f.diagonal[g];
  double excess = diagonal - behind - ahead - across[g] - across[g - o];
  behind = behind > 0 ? behind : 0;
  ahead = ahead > 0 ? ahead : 0;
  excess = ignore_excess || excess < 1e-10 * diagonal ? 0 : excess;
  const double sum = behind + ahead + excess;
  lower = sum > 0 ? behind / sum : 0;
  upper = sum > 0 ? ahead / sum : 0;
}

template <bool in_x, bool nine>
void coarsen_in(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper) {
  const Conductances<double>& f = fine.a;
  const Conductances<double>& c = coarse.a;
  const double* along = in_x ? f.east : f.north;
  const double* across = in_x ? f.north : f.east;
  double* coarse_along = in_x ? c.east : c.north;
  double* coarse_across = in_x ? c.north : c.east;
  const Index a = in_x ? 1 : fine.stride;
  const Index o = in_x ? fine.stride : 1;
  const Index ca = in_x ? 1 : coarse.stride;
  const Index co = in_x ? coarse.stride : 1;
  const auto fine_index = [&](Index i, Index j) {
    return in_x ? j * fine.stride + 2 * i : 2 * j * fine.stride + i;
  };

  for (Index j = 0; j < coarse.ny; ++j) {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) {
      const Index k = j * coarse.stride + i;
      weights_of<nine>(f, along, across, fine_index(i, j) + a, a, o, false, lower[k], upper[k]);
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
      const Index k = j * coarse.stride + i;
      weights_of<nine>(f, along, across, fine_index(i, j) + a, a, o, true, lower[k], upper[k]);
    }
  }

  for (Index j = 0; j < coarse.ny; ++j) {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) {
      const Index k = j * coarse.stride + i;
      const Index p = fine_index(i, j);  // the coarse point itself
      const Index g = p + a;             // odd neighbours
      const Index h = p - a;
      const double l = lower[k], u = upper[k];            // of g
      const double hu = upper[k - ca];                    // of h
      const double m = lower[k + co], s = upper[k + co];  // of the point across from g
      const double hs = upper[k + co - ca];               // of the point across from h
      c.diagonal[k] =
          f.diagonal[p] + l * (l * f.diagonal[g] - 2 * along[p]) + hu * (hu * f.diagonal[h] - 2 * along[h]);
      coarse_along[k] = u * along[p] + l * along[g] - l * u * f.diagonal[g];
      double straight = across[p] + l * m * across[g] + hu * hs * across[h];
      double rising = l * s * across[g];
      double falling = u * m * across[g];
      if (nine) {
        straight += m * f.rising[p] + hu * f.rising[h] + l * f.falling[p] + hs * f.falling[h];
        rising += s * f.rising[p] + l * f.rising[g];
        falling += u * f.falling[p] + m * f.falling[g];
      }
      coarse_across[k] = straight;
      c.rising[k] = rising;
      c.falling[k] = falling;
    }
  }
}

template <bool in_x>
void coarsen(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper) {
  if (fine.a.rising != nullptr) {
    coarsen_in<in_x, true>(fine, coarse, lower, upper);
  } else {
    coarsen_in<in_x, false>(fine, coarse, lower, upper);
  }
}

void take_stencil(double factor, const double* tx, const double* ty, const double* well,
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

// A diagonal of a coarse operator joins neighbours in either direction. Both neighbours of a point in a direction count: at
// the end of a line there is only one.
Coupling coupling(const SetupGrid& g) {
  double sum_x = 0;
  double sum_y = 0;
  for (Index j = 0; j < g.ny; ++j) {
    const double* east = g.a.east + j * g.stride;
    const double* north = g.a.north + j * g.stride;
    const double* rising = g.a.rising ? g.a.rising + j * g.stride : east;
    const double* falling = g.a.rising ? g.a.falling + j * g.stride : east;
    const double nine = g.a.rising ? 1 : 0;
    const Index down = g.stride;
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
