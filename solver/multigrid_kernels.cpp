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
      const Index p = fine_index(i, j);                   // the coarse point itself
      const Index g = p + a;                              // odd neighbours
      const Index h = p - a;
      const double l = lower[k], u = upper[k];            // of g
      const double hu = upper[k - ca];                    // of h
      const double m = lower[k + co], s = upper[k + co];  // of the point across from g
      const double hs = upper[k + co - ca];               // of the point across from h
      c.diagonal[k] = f.diagonal[p] + l * (l * f.diagonal[g] - 2 * along[p]) +
                      hu * (hu * f.diagonal[h] - 2 * along[h]);
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

// --- Cycle -------------------------------------------------------------------------------------------------------------

template <typename T>
struct Row {  // the arrays of one row of a level
  const T *e, *n, *n_below, *r, *r_below, *f, *f_below, *d, *inverse;
  const T* b;
  T* x;
  T* below;
  T* above;

  Row(const Level<T>& l, Index j) {
    const Index at = j * l.stride;
    const Index down = at - l.stride;
    e = l.a.east + at;
    n = l.a.north + at;
    n_below = l.a.north + down;
    r = l.a.rising ? l.a.rising + at : nullptr;
    r_below = l.a.rising ? l.a.rising + down : nullptr;
    f = l.a.falling ? l.a.falling + at : nullptr;
    f_below = l.a.falling ? l.a.falling + down : nullptr;
    d = l.a.diagonal + at;
    inverse = l.inverse_diagonal + at;
    b = l.b + at;
    x = l.x + at;
    below = l.x + down;
    above = l.x + at + l.stride;
  }

  T five(Index i) const { return e[i - 1] * x[i - 1] + e[i] * x[i + 1] + n_below[i] * below[i] + n[i] * above[i]; }
  T nine(Index i) const {
    return five(i) + r[i] * above[i + 1] + r_below[i - 1] * below[i - 1] + f[i - 1] * above[i - 1] +
           f_below[i] * below[i + 1];
  }
};

// The same address, without the compiler's knowledge that it is: it would carry x[i - 1] from one point to the next, and
// give up on vectors, though no point that is written is read as a neighbour.
template <typename T>
T* unrelated(T* x) {
  asm("" : "+r"(x));
  return x;
}

// Points where `colour` is 1 get the value that solves their equation. Their neighbours in the row have the other
// colour, so that all of them can be done at once.
template <typename T>
void relax_five(const Level<T>& l, Index j, const T* colour) {
  const Row<T> row(l, j);
  T* x = unrelated(row.x);
#pragma omp simd
  for (Index i = 0; i < l.nx; ++i)
    x[i] = row.x[i] + colour[i] * ((row.b[i] + row.five(i)) * row.inverse[i] - row.x[i]);
}

template <typename T>
void relax_nine(const Level<T>& l, Index j, const T* colour) {
  const Row<T> row(l, j);
  T* x = unrelated(row.x);
#pragma omp simd
  for (Index i = 0; i < l.nx; ++i)
    x[i] = row.x[i] + colour[i] * ((row.b[i] + row.nine(i)) * row.inverse[i] - row.x[i]);
}

// Two phases make a sweep. Five points: red, then black. Nine points: even rows, then odd ones, in each row red before
// black; backwards where `reversed`.
template <typename T>
void relax(const Level<T>& l, Index j, int phase, bool reversed) {
  if (l.a.rising == nullptr) {
    relax_five(l, j, l.colour[(j + phase) & 1]);
  } else if ((j & 1) == phase) {
    relax_nine(l, j, l.colour[reversed ? 1 : 0]);
    relax_nine(l, j, l.colour[reversed ? 0 : 1]);
  }
}

// The first phase of all, from x = 0.
template <typename T>
void relax_zero(const Level<T>& l, Index j) {
  const Row<T> row(l, j);
  if (l.a.rising == nullptr) {
    const T* colour = l.colour[j & 1];
#pragma omp simd
    for (Index i = 0; i < l.nx; ++i) row.x[i] = colour[i] * row.b[i] * row.inverse[i];
    return;
  }
  for (Index i = 0; i < l.nx; ++i) row.x[i] = 0;
  if (j + 1 < l.ny) {  // an even row looks at the next one
    for (Index i = 0; i < l.nx; ++i) row.above[i] = 0;
  }
  relax(l, j, 0, false);
}

template <typename T>
void residual_row(const Level<T>& l, Index j, T* out) {
  const Row<T> row(l, j);
  if (row.r == nullptr) {
#pragma omp simd
    for (Index i = 0; i < l.nx; ++i) out[i] = row.b[i] + row.five(i) - row.d[i] * row.x[i];
  } else {
#pragma omp simd
    for (Index i = 0; i < l.nx; ++i) out[i] = row.b[i] + row.nine(i) - row.d[i] * row.x[i];
  }
}

// coarse.b += the part of P^T r that comes from row j; `r` has zeros outside.
template <typename T>
void restrict_row(const Level<T>& fine, const Level<T>& coarse, Index j, const T* r, T* scratch) {
  const T* along = r;
  if (fine.in_x.lower != nullptr) {
    const T* lower = fine.in_x.lower + j * fine.in_x.stride;
    const T* upper = fine.in_x.upper + j * fine.in_x.stride;
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i)
      scratch[i] = r[2 * i] + lower[i] * r[2 * i + 1] + upper[i - 1] * r[2 * i - 1];
    along = scratch;
  }
  const bool halved = fine.in_y.lower != nullptr;
  const Index row = halved ? j / 2 : j;
  T* here = coarse.b + row * coarse.stride;
  if (!halved || j % 2 == 0) {  // an even row comes first of all that add to its coarse row but the odd one before it
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) here[i] += along[i];
    return;
  }
  const T* lower = fine.in_y.lower + row * fine.in_y.stride;
  const T* upper = fine.in_y.upper + row * fine.in_y.stride;
  T* next = here + coarse.stride;
  if (row + 1 < coarse.ny) {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) {
      here[i] += lower[i] * along[i];
      next[i] += upper[i] * along[i];
    }
  } else {
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) here[i] += lower[i] * along[i];
  }
}

template <typename T>
void interpolate_row(const Level<T>& fine, const Level<T>& coarse, Index j, T* scratch) {
  const bool halved = fine.in_y.lower != nullptr;
  const Index row = halved ? j / 2 : j;
  const T* along = coarse.x + row * coarse.stride;
  if (halved && j % 2 == 1) {
    const T* lower = fine.in_y.lower + row * fine.in_y.stride;
    const T* upper = fine.in_y.upper + row * fine.in_y.stride;
    const T* next = along + coarse.stride;
#pragma omp simd
    for (Index i = 0; i < coarse.nx; ++i) scratch[i] = lower[i] * along[i] + upper[i] * next[i];
    scratch[coarse.nx] = 0;
    along = scratch;
  }
  T* x = fine.x + j * fine.stride;
  if (fine.in_x.lower == nullptr) {
#pragma omp simd
    for (Index i = 0; i < fine.nx; ++i) x[i] += along[i];
    return;
  }
  const T* lower = fine.in_x.lower + j * fine.in_x.stride;
  const T* upper = fine.in_x.upper + j * fine.in_x.stride;
  const Index pairs = fine.nx / 2;
#pragma omp simd
  for (Index i = 0; i < pairs; ++i) {
    x[2 * i] += along[i];
    x[2 * i + 1] += lower[i] * along[i] + upper[i] * along[i + 1];
  }
  if (fine.nx % 2 == 1) x[fine.nx - 1] += along[pairs];
}

// Both passes go through the rows once: phase k works k rows behind the first one, where its neighbours are ready, so that
// the rows in work stay in the cache.
template <typename T>
void smooth_and_restrict(const Level<T>& fine, const Level<T>& coarse, int sweeps) {
  const Index phases = 2 * sweeps;
  for (Index j = 0; j < coarse.ny; ++j) {
    for (Index i = 0; i < coarse.nx; ++i) coarse.b[j * coarse.stride + i] = 0;
  }
  T* residual = fine.row;
  T* scratch = fine.row + fine.stride;
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) relax_zero(fine, t);
    for (Index k = 1; k < phases; ++k) {
      if (t >= k && t - k < fine.ny) relax(fine, t - k, static_cast<int>(k & 1), false);
    }
    if (t >= phases) {
      residual_row(fine, t - phases, residual);
      restrict_row(fine, coarse, t - phases, residual, scratch);
    }
  }
}

template <typename T>
void interpolate_and_smooth(const Level<T>& fine, const Level<T>& coarse, int sweeps) {
  const Index phases = 2 * sweeps;
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) interpolate_row(fine, coarse, t, fine.row);
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

double largest(std::size_t n, const double* x) {
  double most = 0;
#pragma omp simd reduction(max : most)
  for (std::size_t i = 0; i < n; ++i) {
    const double size = x[i] < 0 ? -x[i] : x[i];
    most = size > most ? size : most;
  }
  return most;
}

}  // namespace

extern const Kernels table;
const Kernels table{coarsen<true>,
                    coarsen<false>,
                    apply_stencil,
                    largest,
                    {smooth_and_restrict<float>, interpolate_and_smooth<float>},
                    {smooth_and_restrict<double>, interpolate_and_smooth<double>}};

}  // namespace mano::MANO_INSTRUCTIONS
