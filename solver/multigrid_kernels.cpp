// Compiled once for each instruction set, with MANO_INSTRUCTIONS its name. No header of the standard library with inline
// functions: the linker would be free to take their AVX-512 version for everybody.
#include "solver/multigrid_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

// --- Set-up ------------------------------------------------------------------------------------------------------------

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

// --- Cycle -------------------------------------------------------------------------------------------------------------

template <typename T>
Index count(const Level<T>& l, int parity) {
  return (l.nx + 1 - parity) / 2;
}

// A row in double precision, even columns first.
template <typename T>
void split_row(int nx, const double* from, T* to, Index half) {
#pragma omp simd
  for (Index i = 0; i < nx / 2; ++i) {
    to[i] = static_cast<T>(from[2 * i]);
    to[half + i] = static_cast<T>(from[2 * i + 1]);
  }
  if (nx % 2 == 1) to[nx / 2] = static_cast<T>(from[nx - 1]);
}

// The weights of one interpolation; with half = 0 they stay in their order.
template <typename T>
void take_weights(int nx, int ny, Index from_stride, const double* from, const Interpolation<T>& to,
                  T* weights, Index half) {
  for (Index j = 0; j < ny; ++j) {
    const double* source = from + j * from_stride;
    T* target = weights + j * to.stride;
    if (half > 0) {
      split_row(nx, source, target, half);
    } else {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) target[i] = static_cast<T>(source[i]);
    }
  }
}

template <typename T>
void take_operator(const SetupGrid& from, const Level<T>& to) {
  for (Index j = 0; j < to.ny; ++j) {
    const Index at = j * from.stride;
    const Index target = j * to.stride;
    split_row(to.nx, from.a.diagonal + at, to.a.diagonal + target, to.half);
    split_row(to.nx, from.a.east + at, to.a.east + target, to.half);
    split_row(to.nx, from.a.north + at, to.a.north + target, to.half);
    if (from.a.rising != nullptr) {
      split_row(to.nx, from.a.rising + at, to.a.rising + target, to.half);
      split_row(to.nx, from.a.falling + at, to.a.falling + target, to.half);
    }
    for (int parity = 0; parity < 2; ++parity) {
      const T* diagonal = to.a.diagonal + target + parity * to.half;
      T* inverse = to.inverse_diagonal + target + parity * to.half;
#pragma omp simd
      for (Index i = 0; i < count(to, parity); ++i) inverse[i] = diagonal[i] > 0 ? 1 / diagonal[i] : 0;
    }
  }
}

template <typename T>
void load(const Level<T>& l, double factor, const double* r) {
  for (Index j = 0; j < l.ny; ++j) {
    const double* from = r + j * l.nx;
    T* b = l.b + j * l.stride;
#pragma omp simd
    for (Index i = 0; i < l.nx / 2; ++i) {
      b[i] = static_cast<T>(factor * from[2 * i]);
      b[l.half + i] = static_cast<T>(factor * from[2 * i + 1]);
    }
    if (l.nx % 2 == 1) b[l.nx / 2] = static_cast<T>(factor * from[l.nx - 1]);
  }
}

template <typename T>
void unload(const Level<T>& l, double factor, double* z) {
  for (Index j = 0; j < l.ny; ++j) {
    const T* x = l.x + j * l.stride;
    double* to = z + j * l.nx;
#pragma omp simd
    for (Index i = 0; i < l.nx / 2; ++i) {
      to[2 * i] = factor * static_cast<double>(x[i]);
      to[2 * i + 1] = factor * static_cast<double>(x[l.half + i]);
    }
    if (l.nx % 2 == 1) to[l.nx - 1] = factor * static_cast<double>(x[l.nx / 2]);
  }
}

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

// to += factor * from for a row in a level's layout, `factor` null for 1.
template <typename T>
void add_row(const Level<T>& l, const T* factor, const T* from, T* to) {
  for (int parity = 0; parity < 2; ++parity) {
    const Index begin = parity * l.half;
    const Index end = begin + count(l, parity);
    if (factor == nullptr) {
#pragma omp simd
      for (Index i = begin; i < end; ++i) to[i] += from[i];
    } else {
#pragma omp simd
      for (Index i = begin; i < end; ++i) to[i] += factor[i] * from[i];
    }
  }
}

// coarse.b += the part of P^T r that comes from row j; `r` has zeros outside.
template <typename T>
void restrict_row(const Level<T>& fine, const Level<T>& coarse, Index j, const T* r) {
  const T* along = r;
  if (fine.in_x.lower != nullptr) {
    const T* lower = fine.in_x.lower + j * fine.in_x.stride;
    const T* upper = fine.in_x.upper + j * fine.in_x.stride;
    const T* odd = r + fine.half;
    T* ordered = fine.row[1];
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) ordered[i] = r[i] + lower[i] * odd[i] + upper[i - 1] * odd[i - 1];
    T* split = fine.row[2];
#pragma omp simd
    for (Index i = 0; i < coarse.nx / 2; ++i) {
      split[i] = ordered[2 * i];
      split[coarse.half + i] = ordered[2 * i + 1];
    }
    if (coarse.nx % 2 == 1) split[coarse.nx / 2] = ordered[coarse.nx - 1];
    along = split;
  }
  if (fine.in_y.lower == nullptr) {
    add_row<T>(coarse, nullptr, along, coarse.b + j * coarse.stride);
    return;
  }
  const Index row = j / 2;
  T* here = coarse.b + row * coarse.stride;
  if (j % 2 == 0) {
    add_row<T>(coarse, nullptr, along, here);
    return;
  }
  add_row(coarse, fine.in_y.lower + row * fine.in_y.stride, along, here);
  if (row + 1 < coarse.ny)
    add_row(coarse, fine.in_y.upper + row * fine.in_y.stride, along, here + coarse.stride);
}

template <typename T>
void interpolate_row(const Level<T>& fine, const Level<T>& coarse, Index j) {
  const bool halved = fine.in_y.lower != nullptr;
  const Index row = halved ? j / 2 : j;
  const T* along = coarse.x + row * coarse.stride;
  if (halved && j % 2 == 1) {
    const T* lower = fine.in_y.lower + row * fine.in_y.stride;
    const T* upper = fine.in_y.upper + row * fine.in_y.stride;
    const T* next = along + coarse.stride;
    T* split = fine.row[2];
    for (int parity = 0; parity < 2; ++parity) {
      const Index begin = parity * coarse.half;
      const Index end = begin + count(coarse, parity);
#pragma omp simd
      for (Index i = begin; i < end; ++i) split[i] = lower[i] * along[i] + upper[i] * next[i];
    }
    along = split;
  }
  T* x = fine.x + j * fine.stride;
  if (fine.in_x.lower == nullptr) {
    add_row<T>(fine, nullptr, along, x);
    return;
  }
  T* ordered = fine.row[1];
#pragma omp simd
  for (Index i = 0; i < coarse.nx / 2; ++i) {
    ordered[2 * i] = along[i];
    ordered[2 * i + 1] = along[coarse.half + i];
  }
  if (coarse.nx % 2 == 1) ordered[coarse.nx - 1] = along[coarse.nx / 2];
  ordered[coarse.nx] = 0;
  const T* lower = fine.in_x.lower + j * fine.in_x.stride;
  const T* upper = fine.in_x.upper + j * fine.in_x.stride;
  // On five points, black points are relaxed next and need no correction.
  if (fine.a.rising != nullptr || j % 2 == 0) {
#pragma omp simd
    for (Index i = 0; i < count(fine, 0); ++i) x[i] += ordered[i];
  }
  if (fine.a.rising != nullptr || j % 2 == 1) {
    T* odd = x + fine.half;
#pragma omp simd
    for (Index i = 0; i < count(fine, 1); ++i) odd[i] += lower[i] * ordered[i] + upper[i] * ordered[i + 1];
  }
}

// Both passes go through the rows once: phase k works k rows behind the first one, where its neighbours are ready, so that
// the rows in work stay in the cache.
template <typename T>
void smooth_and_restrict(const Level<T>& fine, const Level<T>& coarse, int steps) {
  const Index phases = 2 * steps;
  for (Index j = 0; j < coarse.ny; ++j) {
    for (Index i = 0; i < coarse.half + coarse.nx / 2; ++i) coarse.b[j * coarse.stride + i] = 0;
  }
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) relax_zero(fine, t);
    for (Index k = 1; k < phases; ++k) {
      if (t >= k && t - k < fine.ny) relax(fine, t - k, static_cast<int>(k & 1), false);
    }
    if (t >= phases) {
      residual_row(fine, t - phases, fine.row[0]);
      restrict_row(fine, coarse, t - phases, fine.row[0]);
    }
  }
}

template <typename T>
void interpolate_and_smooth(const Level<T>& fine, const Level<T>& coarse, int steps) {
  const Index phases = 2 * steps;
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) interpolate_row(fine, coarse, t);
    for (Index k = 0; k < phases; ++k) {
      const Index j = t - 1 - k;
      if (j >= 0 && j < fine.ny) relax(fine, j, static_cast<int>((k + 1) & 1), true);
    }
  }
}

// --- Krylov method -----------------------------------------------------------------------------------------------------

// Differences, not diagonal times centre: constants cancel before rounding does harm.
void apply_stencil(int nx, int ny, const double* tx, const double* ty, const double* x, double* y) {
  for (Index j = 0; j < ny; ++j) {
    const double* p = x + j * nx;
    const double* west = tx + j * (nx + 1);
    const double* south = ty + j * nx;
    const double* north = south + nx;
    double* out = y + j * nx;
    out[0] = west[0] * p[0];
#pragma omp simd
    for (Index i = 1; i < nx; ++i) out[i] = west[i] * (p[i] - p[i - 1]);
#pragma omp simd
    for (Index i = 0; i < nx - 1; ++i) out[i] += west[i + 1] * (p[i] - p[i + 1]);
    out[nx - 1] += west[nx] * p[nx - 1];
    if (j > 0) {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) out[i] += south[i] * (p[i] - p[i - nx]);
    } else {
      for (Index i = 0; i < nx; ++i) out[i] += south[i] * p[i];
    }
    if (j + 1 < ny) {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) out[i] += north[i] * (p[i] - p[i + nx]);
    } else {
      for (Index i = 0; i < nx; ++i) out[i] += north[i] * p[i];
    }
  }
}

double sum_of_squares(std::size_t n, const double* x) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

}  // namespace

template <typename T>
constexpr CycleKernels<T> kCycle{take_operator<T>, take_weights<T>,        load<T>,
                                 unload<T>,        smooth_and_restrict<T>, interpolate_and_smooth<T>};

extern const Kernels table;
const Kernels table{take_stencil,  coupling,       coarsen<true>, coarsen<false>,
                    apply_stencil, sum_of_squares, kCycle<float>, kCycle<double>};

}  // namespace mano::MANO_INSTRUCTIONS
