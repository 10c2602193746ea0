#pragma once
// Setting up a hierarchy of volumes: the finest operator from the transmissibilities, a coarser one from a finer one, and how strongly
// neighbours couple within layers. Part of volume_kernels.cpp, which alone includes it.

#include "solver/volume_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

void take_stencil(double factor, const double* tx, const double* ty, const double* tz, const double* well,
                  const VolumeSetup& to) {
  const Index nx = to.nx;
  const Index ny = to.ny;
  for (Index k = 0; k < to.nz; ++k) {
    for (Index j = 0; j < ny; ++j) {
      const Index at = j * to.slab + k * to.stride;
      const double* west = tx + (k * ny + j) * (nx + 1);
      const double* south = ty + (k * (ny + 1) + j) * nx;
      const double* north = south + nx;
      double* t = to.vertical_row(j, k);
      double* diagonal = to.diagonal + at;
      double* e = to.a.east + at;
      double* n = to.a.north + at;
#pragma omp simd
      for (Index i = 0; i < nx; ++i) {
        diagonal[i] = factor * (west[i] + west[i + 1] + south[i] + north[i]);
        e[i] = factor * west[i + 1];
        n[i] = factor * north[i];
      }
      e[nx - 1] = 0;
      if (j == ny - 1) {
        for (Index i = 0; i < nx; ++i) n[i] = 0;
      }
      const double* up = tz + (k * ny + j) * nx;
      for (Index i = 0; i < nx; ++i) t[i] = tz != nullptr ? factor * up[i] : 0;
      if (well != nullptr) {
        for (Index i = 0; i < nx; ++i) diagonal[i] += factor * well[(k * ny + j) * nx + i];
      }
    }
  }
  for (Index j = 0; j < ny; ++j) {
    const double* down = tz + (to.nz * ny + j) * nx;
    double* t = to.vertical_row(j, to.nz);
    for (Index i = 0; i < nx; ++i) t[i] = tz != nullptr ? factor * down[i] : 0;
  }
}

LateralCoupling coupling(const VolumeSetup& g) {
  LateralCoupling sum;
  for (Index row = 0; row < static_cast<Index>(g.ny) * g.nz; ++row) {
    const Index at = row / g.nz * g.slab + row % g.nz * g.stride;
    const bool nine = g.a.rising != nullptr;
    const double* east = g.a.east + at;
    const double* north = g.a.north + at;
    const double* rising = nine ? g.a.rising + at : east;
    const double* falling = nine ? g.a.falling + at : east;
    const double use = nine ? 1 : 0;
    const Index down = g.slab;
    double x = 0;
    double y = 0;
#pragma omp simd reduction(+ : x, y)
    for (Index i = 0; i < g.nx; ++i) {
      const double diagonals = use * (rising[i] + falling[i - 1] + falling[i - down] + rising[i - down - 1]);
      const double along_x = east[i] + east[i - 1] + diagonals;
      const double along_y = north[i] + north[i - down] + diagonals;
      const double ax = along_x > 0 ? along_x : 0;
      const double ay = along_y > 0 ? along_y : 0;
      const double inverse = ax + ay > 0 ? 1 / (ax + ay) : 0;
      x += ax * inverse;
      y += ay * inverse;
    }
    sum.x += x;
    sum.y += y;
  }
  return sum;
}

// Strides of a direction that is coarsened, of the one across it, and of the coarse grid's.
struct Strides {
  Index along, across, coarse_along, coarse_across;
};

template <bool in_x>
Strides strides(const VolumeSetup& fine, const VolumeSetup& coarse) {
  return in_x ? Strides{1, fine.slab, 1, coarse.slab} : Strides{fine.slab, 1, coarse.slab, 1};
}

// Where fine point 2 I (in x) or row 2 J (in y) of a row begins.
template <bool in_x>
Index fine_row(const VolumeSetup& fine, Index j, Index k) {
  return (in_x ? j : 2 * j) * fine.slab + k * fine.stride;
}

// Weights of the odd lines of a slab: each line's equation, its vertical part included, summed across the direction, for neighbours that
// do not change along z:
//   (behind + ahead + excess) x - d/dz (t dx/dz) = behind X_behind + ahead X_ahead
// So the weights follow the layers where these hardly know of each other, and are the same in all where they are bound together. An excess
// of the diagonal, a well or boundary, pulls towards 0; only columns `from` to `to` (without `to`) look at theirs. `inverse` has a row
// for each layer, and one more.
template <bool in_x, bool nine>
void line_weights(const VolumeSetup& fine, const VolumeSetup& coarse, Index j, Index from, Index to,
                  double* lower, double* upper, double* inverse) {
  const Strides s = strides<in_x>(fine, coarse);
  constexpr Index step = in_x ? 2 : 1;
  const Index odd = s.along;
  const Index n = coarse.nx;
  for (Index k = 0; k < fine.nz; ++k) {
    const Index g = fine_row<in_x>(fine, j, k) + odd;
    const Index c = j * coarse.slab + k * coarse.stride;
    const double* along = (in_x ? fine.a.east : fine.a.north) + g;
    const double* across = (in_x ? fine.a.north : fine.a.east) + g;
    const double* rising = nine ? fine.a.rising + g : nullptr;
    const double* falling = nine ? fine.a.falling + g : nullptr;
    const double* diagonal = fine.diagonal + g;
    const double* t = fine.vertical_row(in_x ? j : 2 * j + 1, k) + (in_x ? 1 : 0);
    const double* t_next = t + fine.stride;
    const double below_counts = k > 0 ? 1 : 0;
    const double above_counts = k + 1 < fine.nz ? 1 : 0;
    const double* l_before = lower + c - (k > 0 ? coarse.stride : 0);
    const double* u_before = upper + c - (k > 0 ? coarse.stride : 0);
    double* l = lower + c;
    double* u = upper + c;
    double* inv = inverse + k * coarse.stride;
    double* held = inverse + fine.nz * coarse.stride;  // s_(k-1), what holds the line so far
    const Index a = s.along;
    const Index o = s.across;
#pragma omp simd
    for (Index i = 0; i < n; ++i) {
      const Index p = step * i;
      double behind = along[p - a];
      double ahead = along[p];
      if (nine) {
        behind += rising[p - a - o] + falling[p - a];
        ahead += rising[p] + falling[p - o];
      }
      double excess = diagonal[p] - behind - ahead - across[p] - across[p - o];
      behind = behind > 0 ? behind : 0;
      ahead = ahead > 0 ? ahead : 0;
      excess = i < from || i >= to || excess < 1e-10 * diagonal[p] ? 0 : excess;
      const double tk = below_counts * t[p];
      const double s_before = held[i];
      const double through = s_before + tk > 0 ? tk * s_before / (s_before + tk) : 0;
      const double s_here = behind + ahead + excess + (k > 0 ? through : 0);
      const double pivot = s_here + above_counts * t_next[p];
      held[i] = s_here;
      inv[i] = pivot > 0 ? 1 / pivot : 0;
      l[i] = (behind + (k > 0 ? tk * l_before[i] : 0)) * inv[i];
      u[i] = (ahead + (k > 0 ? tk * u_before[i] : 0)) * inv[i];
    }
  }
  for (Index k = fine.nz - 2; k >= 0; --k) {
    const Index c = j * coarse.slab + k * coarse.stride;
    const double* t_next = fine.vertical_row(in_x ? j : 2 * j + 1, k + 1) + (in_x ? 1 : 0);
    const double* inv = inverse + k * coarse.stride;
    double* l = lower + c;
    double* u = upper + c;
    const double* l_next = l + coarse.stride;
    const double* u_next = u + coarse.stride;
#pragma omp simd
    for (Index i = 0; i < n; ++i) {
      const double back = t_next[step * i] * inv[i];
      l[i] += back * l_next[i];
      u[i] += back * u_next[i];
    }
  }
}

template <bool in_x, bool nine>
void coarse_layers(const VolumeSetup& f, const VolumeSetup& c, const double* lower, const double* upper) {
  const Strides s = strides<in_x>(f, c);
  constexpr Index step = in_x ? 2 : 1;
  const Index a = s.along;
  for (Index row = 0; row < static_cast<Index>(c.ny) * c.nz; ++row) {
    const Index j = row / c.nz;
    const Index k = row % c.nz;
    const Index at = j * c.slab + k * c.stride;
    const Index from = fine_row<in_x>(f, j, k);
    const double* diagonal = f.diagonal + from;
    const double* along = (in_x ? f.a.east : f.a.north) + from;
    const double* across = (in_x ? f.a.north : f.a.east) + from;
    const double* rising = nine ? f.a.rising + from : nullptr;
    const double* falling = nine ? f.a.falling + from : nullptr;
    const double* l_here = lower + at;
    const double* u_here = upper + at;
    double* c_diagonal = c.diagonal + at;
    double* c_along = (in_x ? c.a.east : c.a.north) + at;
    double* c_across = (in_x ? c.a.north : c.a.east) + at;
    double* c_rising = c.a.rising + at;
    double* c_falling = c.a.falling + at;
#pragma omp simd
    for (Index i = 0; i < c.nx; ++i) {
      const Index p = step * i;  // the coarse point itself
      const Index g = p + a;     // odd neighbours
      const Index h = p - a;
      const double l = l_here[i], u = u_here[i];                                          // of g
      const double hu = u_here[i - s.coarse_along];                                       // of h
      const double m = l_here[i + s.coarse_across], v = u_here[i + s.coarse_across];      // of the point across from g
      const double hv = u_here[i + s.coarse_across - s.coarse_along];                     // of the point across from h
      c_diagonal[i] =
          diagonal[p] + l * (l * diagonal[g] - 2 * along[p]) + hu * (hu * diagonal[h] - 2 * along[h]);
      c_along[i] = u * along[p] + l * along[g] - l * u * diagonal[g];
      double straight = across[p] + l * m * across[g] + hu * hv * across[h];
      double up = l * v * across[g];
      double down = u * m * across[g];
      if (nine) {
        straight += m * rising[p] + hu * rising[h] + l * falling[p] + hv * falling[h];
        up += v * rising[p] + l * rising[g];
        down += u * falling[p] + m * falling[g];
      }
      c_across[i] = straight;
      c_rising[i] = up;
      c_falling[i] = down;
    }
  }
}

// What joins layers, summed up by the weights: a fine line lends its conductance to the coarse ones that it is interpolated from. Exact
// for pressures that change along z alone, and where they oscillate between lines the lines are what the smoother solves. Where weights
// change from layer to layer, the vertical flow that this causes counts as flow along the direction.
template <bool in_x>
void coarse_lines(const VolumeSetup& f, const VolumeSetup& c, const double* lower, const double* upper) {
  constexpr Index step = in_x ? 2 : 1;
  const Strides s = strides<in_x>(f, c);
  const Index odd = in_x ? 1 : f.vertical_slab;
  for (Index j = 0; j < c.ny; ++j) {
    for (Index k = 0; k <= c.nz; ++k) {
      const Index above = j * c.slab + (k > 0 ? k - 1 : 0) * c.stride;
      const Index below = j * c.slab + (k < c.nz ? k : k - 1) * c.stride;
      const double* t = f.vertical_row(in_x ? j : 2 * j, k);
      const double* la = lower + above;
      const double* lb = lower + below;
      const double* ua = upper + above;
      const double* ub = upper + below;
      double* to = c.vertical_row(j, k);
      const Index w = s.coarse_along;
#pragma omp simd
      for (Index i = 0; i < c.nx; ++i) {
        const double low = 0.5 * (la[i] * (la[i] + ua[i]) + lb[i] * (lb[i] + ub[i]));
        const double high = 0.5 * (ua[i - w] * (la[i - w] + ua[i - w]) + ub[i - w] * (lb[i - w] + ub[i - w]));
        to[i] = t[step * i] + low * t[step * i + odd] + high * t[step * i - odd];
      }
      if (k == 0 || k == c.nz) continue;
      double* along_a = (in_x ? c.a.east : c.a.north) + above;
      double* along_b = (in_x ? c.a.east : c.a.north) + below;
      double* diagonal_a = c.diagonal + above;
      double* diagonal_b = c.diagonal + below;
#pragma omp simd
      for (Index i = 0; i < c.nx; ++i) {
        const double change = 0.5 * ((la[i] - lb[i]) - (ua[i] - ub[i]));
        const double before = 0.5 * ((la[i - w] - lb[i - w]) - (ua[i - w] - ub[i - w]));
        const double own = 0.5 * t[step * i + odd] * change * change;
        const double other = 0.5 * t[step * i - odd] * before * before;
        along_a[i] += own;
        along_b[i] += own;
        diagonal_a[i] += own + other;
        diagonal_b[i] += own + other;
      }
    }
  }
}

template <bool in_x, bool nine>
void coarsen_in(const VolumeSetup& fine, const VolumeSetup& coarse, double* lower, double* upper,
                double* scratch) {
  // Beside a boundary along the direction the excess is that boundary's, and says nothing of the direction itself; except at the very
  // end of a line, where only one neighbour is left.
  const Index fine_n = in_x ? fine.nx : fine.ny;
  const Index inner = fine_n / 2 - (fine_n % 2 == 0 ? 1 : 0);
  const Index odd_lines = fine_n / 2;
  for (Index j = 0; j < coarse.ny; ++j) {
    for (Index i = 0; i < coarse.nx; ++i) scratch[fine.nz * coarse.stride + i] = 0;
    if (!in_x && j >= odd_lines) {  // no odd slab there
      for (Index k = 0; k < coarse.nz; ++k) {
        for (Index i = 0; i < coarse.nx; ++i)
          lower[j * coarse.slab + k * coarse.stride + i] = upper[j * coarse.slab + k * coarse.stride + i] = 0;
      }
      continue;
    }
    const bool edge = in_x && (j == 0 || j == coarse.ny - 1);
    const Index rim = !in_x && j < inner ? 1 : 0;
    line_weights<in_x, nine>(fine, coarse, j, edge ? inner : rim, coarse.nx - rim, lower, upper, scratch);
    if (in_x && fine.nx % 2 == 1) {  // no odd point behind the last one
      for (Index k = 0; k < coarse.nz; ++k) {
        const Index last = j * coarse.slab + k * coarse.stride + coarse.nx - 1;
        lower[last] = upper[last] = 0;
      }
    }
  }
  coarse_layers<in_x, nine>(fine, coarse, lower, upper);
  coarse_lines<in_x>(fine, coarse, lower, upper);
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

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
