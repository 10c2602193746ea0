#pragma once
// What setting up a hierarchy is made of, in flat grids and in volumes. Part of flat_kernels.cpp and volume_kernels.cpp, which alone include
// it.

#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

// How a grid is coarsened in x or in y: arrays and steps along the direction and across it.
template <bool in_x>
struct Directions {
  const double *along, *across;
  double *coarse_along, *coarse_across;
  Index a, o, ca, co;  // along and across, of the fine and of the coarse grid

  Directions(const SetupGrid& fine, const SetupGrid& coarse)
      : along(in_x ? fine.a.east : fine.a.north),
        across(in_x ? fine.a.north : fine.a.east),
        coarse_along(in_x ? coarse.a.east : coarse.a.north),
        coarse_across(in_x ? coarse.a.north : coarse.a.east),
        a(in_x ? 1 : fine.slab()),
        o(in_x ? fine.slab() : 1),
        ca(in_x ? 1 : coarse.slab()),
        co(in_x ? coarse.slab() : 1) {}
};

// Equation of an odd point within its layer, summed across the direction: what couples it with its two neighbours along it, and an excess of
// the diagonal, a pressure boundary or a well, which pulls it towards 0, unless `ignore_excess`.
struct Pull {
  double behind, ahead, excess;
};

template <bool nine, bool in_x>
inline Pull pull_of(const Conductances<double>& f, const Directions<in_x>& d, Index g, bool ignore_excess) {
  double behind = d.along[g - d.a];
  double ahead = d.along[g];
  if (nine) {
    behind += f.rising[g - d.a - d.o] + f.falling[g - d.a];
    ahead += f.rising[g] + f.falling[g - d.o];
  }
  const double diagonal = f.diagonal[g];
  const double excess = diagonal - behind - ahead - d.across[g] - d.across[g - d.o];
  return {behind > 0 ? behind : 0, ahead > 0 ? ahead : 0,
          ignore_excess || excess < 1e-10 * diagonal ? 0 : excess};
}

// Weights of the odd neighbours of coarse point n: of g ahead of it, of h behind it, and of those across from them.
struct Weights {
  double l, u, hu, m, s, hs;

  template <bool in_x>
  Weights(const Directions<in_x>& d, const double* lower, const double* upper, Index n)
      : l(lower[n]),
        u(upper[n]),
        hu(upper[n - d.ca]),
        m(lower[n + d.co]),
        s(upper[n + d.co]),
        hs(upper[n + d.co - d.ca]) {}
};

// P^T A P within a layer, but for its diagonal: coarse point n is the fine point p.
template <bool nine, bool in_x>
inline void coarsen_couplings(const Conductances<double>& f, const Directions<in_x>& d, const Weights& w,
                              Index p, const Conductances<double>& c, Index n) {
  const Index g = p + d.a;
  const Index h = p - d.a;
  d.coarse_along[n] = w.u * d.along[p] + w.l * d.along[g] - w.l * w.u * f.diagonal[g];
  double straight = d.across[p] + w.l * w.m * d.across[g] + w.hu * w.hs * d.across[h];
  double rising = w.l * w.s * d.across[g];
  double falling = w.u * w.m * d.across[g];
  if (nine) {
    straight += w.m * f.rising[p] + w.hu * f.rising[h] + w.l * f.falling[p] + w.hs * f.falling[h];
    rising += w.s * f.rising[p] + w.l * f.rising[g];
    falling += w.u * f.falling[p] + w.m * f.falling[g];
  }
  d.coarse_across[n] = straight;
  c.rising[n] = rising;
  c.falling[n] = falling;
}

// A diagonal of a coarse operator joins neighbours in either direction. Both neighbours of a point in a direction count: at
// the end of a line there is only one.
Coupling coupling(const SetupGrid& g) {
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
