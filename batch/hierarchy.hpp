#pragma once
// The multigrid of solver/multigrid.hpp for one sample of a batch, in the memory of one team: the same coarse grids, interpolation,
// coarse matrices and smoother, a thread a point in place of vectors along a row.
//
// Arrays hold their points row by row without gaps, (i, j) at j * nx + i. The coefficient that leads from the end of a row to the
// next row is zero, so that no loop asks where the boundary lies; what is read before and behind an array is finite.

#include "batch/plan.hpp"
#include "batch/team.hpp"

namespace mano::batch {

/// A team's memory, zero at the start of each sample.
template <typename S>
struct Memory {
  double* fast;  ///< Plan::fast_doubles
  S* floats;     ///< Plan::fast_floats
  double* slow;  ///< Plan::slow_doubles
};

template <typename S>
struct Level {
  int nx, ny;
  S *diagonal, *east, *north, *rising, *falling, *x, *b, *lower_x, *upper_x, *lower_y, *upper_y;

  MANO_BOTH Level(const LevelPlan& l, S* floats)
      : nx(l.nx),
        ny(l.ny),
        diagonal(floats + l.diagonal),
        east(floats + l.east),
        north(floats + l.north),
        rising(floats + l.rising),
        falling(floats + l.falling),
        x(floats + l.x),
        b(floats + l.b),
        lower_x(floats + l.lower_x),
        upper_x(floats + l.upper_x),
        lower_y(floats + l.lower_y),
        upper_y(floats + l.upper_y) {}

  /// Sum of conductance times value over the neighbours of point p.
  template <bool nine>
  MANO_BOTH S neighbours(int p) const {
    S sum = east[p - 1] * x[p - 1] + east[p] * x[p + 1] + north[p - nx] * x[p - nx] + north[p] * x[p + nx];
    if (nine)
      sum += rising[p] * x[p + nx + 1] + rising[p - nx - 1] * x[p - nx - 1] + falling[p - 1] * x[p + nx - 1] +
             falling[p - nx] * x[p - nx + 1];
    return sum;
  }
};

MANO_BOTH inline float quotient(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fdividef(a, b);
#else
  return a / b;
#endif
}
MANO_BOTH inline double quotient(double a, double b) {
  return a / b;
}

// --- Cycle -------------------------------------------------------------------------------------------------------------

/// Solves the equations of the points of one colour: on five points (i + j) % 2 == colour; on nine i % 2 + 2 (j % 2) == colour.
template <bool nine, typename S, typename Team>
MANO_BOTH void relax(Team& team, const LevelPlan& plan, const Level<S>& l, int colour) {
  const int half = (l.nx + 1) / 2;
  const int rows = nine ? (l.ny + 1) / 2 : l.ny;
  team.each(half * rows, [&](int item) {
    const int row = plan.half.quotient(item);
    const int j = nine ? 2 * row + colour / 2 : row;
    const int i = 2 * (item - row * half) + (nine ? colour % 2 : (j + colour) & 1);
    if (i >= l.nx || j >= l.ny) return;
    const int p = j * l.nx + i;
    const S d = l.diagonal[p];
    l.x[p] = d > 0 ? quotient(l.b[p] + l.template neighbours<nine>(p), d) : S(0);
  });
}

/// b - A x to `to`. On five points the black half is exactly 0 after a step.
template <bool nine, typename S, typename Team>
MANO_BOTH void take_residual(Team& team, const LevelPlan& plan, const Level<S>& l, S* to) {
  team.each(l.nx * l.ny, [&](int p) {
    if (!nine) {
      const int j = plan.whole.quotient(p);
      if (((p - j * l.nx) + j) & 1) {
        to[p] = 0;
        return;
      }
    }
    to[p] = l.b[p] + l.template neighbours<nine>(p) - l.diagonal[p] * l.x[p];
  });
}

/// coarse.b = P^T r; coarse.x = 0.
template <typename S, typename Team>
MANO_BOTH void restrict_residual(Team& team, const LevelPlan& plan, const Level<S>& fine,
                                 const Level<S>& coarse, const S* r) {
  team.each(coarse.nx * coarse.ny, [&](int item) {
    const int row = plan.next.quotient(item);
    const int column = item - row * coarse.nx;
    const auto along_x = [&](int j) -> S {
      const S* at = r + j * fine.nx;
      if (!plan.in_x) return at[column];
      const int k = j * coarse.nx + column;
      S sum = at[2 * column];
      if (2 * column + 1 < fine.nx) sum += fine.lower_x[k] * at[2 * column + 1];
      if (column > 0) sum += fine.upper_x[k - 1] * at[2 * column - 1];
      return sum;
    };
    S sum;
    if (plan.in_y) {
      sum = along_x(2 * row);
      if (2 * row + 1 < fine.ny) sum += fine.lower_y[item] * along_x(2 * row + 1);
      if (row > 0) sum += fine.upper_y[item - coarse.nx] * along_x(2 * row - 1);
    } else {
      sum = along_x(row);
    }
    coarse.b[item] = sum;
    coarse.x[item] = 0;
  });
}

/// fine.x += P coarse.x. On five points black points are relaxed next and need no correction.
template <bool nine, typename S, typename Team>
MANO_BOTH void interpolate(Team& team, const LevelPlan& plan, const Level<S>& fine, const Level<S>& coarse) {
  team.each(fine.nx * fine.ny, [&](int p) {
    const int j = plan.whole.quotient(p);
    const int i = p - j * fine.nx;
    if (!nine && ((i + j) & 1)) return;
    const auto along_y = [&](int column) -> S {
      if (!plan.in_y) return coarse.x[j * coarse.nx + column];
      const int k = (j / 2) * coarse.nx + column;
      if (j % 2 == 0) return coarse.x[k];
      S value = fine.lower_y[k] * coarse.x[k];
      if (j + 1 < fine.ny) value += fine.upper_y[k] * coarse.x[k + coarse.nx];
      return value;
    };
    if (!plan.in_x) {
      fine.x[p] += along_y(i);
      return;
    }
    const int column = i / 2;
    if (i % 2 == 0) {
      fine.x[p] += along_y(column);
      return;
    }
    const int k = j * coarse.nx + column;
    S value = fine.lower_x[k] * along_y(column);
    if (i + 1 < fine.nx) value += fine.upper_x[k] * along_y(column + 1);
    fine.x[p] += value;
  });
}

template <bool nine, typename S, typename Team>
MANO_BOTH void descend(Team& team, const Plan& plan, int l, const Memory<S>& m) {
  const LevelPlan& at = plan.level[l];
  const Level<S> fine(at, m.floats);
  for (int step = 0; step < plan.smoothing_steps; ++step)
    for (int colour = 0; colour < (nine ? 4 : 2); ++colour) relax<nine>(team, at, fine, colour);
  take_residual<nine>(team, at, fine, m.floats + plan.temporary);
  restrict_residual(team, at, fine, Level<S>(plan.level[l + 1], m.floats), m.floats + plan.temporary);
}

template <bool nine, typename S, typename Team>
MANO_BOTH void ascend(Team& team, const Plan& plan, int l, const Memory<S>& m) {
  const LevelPlan& at = plan.level[l];
  const Level<S> fine(at, m.floats);
  interpolate<nine>(team, at, fine, Level<S>(plan.level[l + 1], m.floats));
  for (int step = 0; step < plan.smoothing_steps; ++step)
    for (int colour = (nine ? 4 : 2) - 1; colour >= 0; --colour) relax<nine>(team, at, fine, colour);
}

/// One V-cycle: x of the finest level, which is 0 before, from its b.
template <typename S, typename Team>
MANO_BOTH void cycle(Team& team, const Plan& plan, const Memory<S>& m) {
  const int last = plan.levels - 1;
  const auto solve_last = [&](auto& some) {
    const Level<S> l(plan.level[last], m.floats);
    // A constant that nothing holds is left alone.
    some.each(1, [&](int) {
      l.x[0] = plan.conditions.free() || !(l.diagonal[0] > 0) ? S(0) : quotient(l.b[0], l.diagonal[0]);
    });
  };
  if (last == 0) {
    solve_last(team);
    return;
  }
  descend<false>(team, plan, 0, m);
  for (int l = 1; l < plan.first_warp_level; ++l) descend<true>(team, plan, l, m);
  team.in_one_warp([&](auto& warp) {
    for (int l = plan.first_warp_level < 1 ? 1 : plan.first_warp_level; l < last; ++l)
      descend<true>(warp, plan, l, m);
    solve_last(warp);
    for (int l = last - 1; l >= plan.first_warp_level && l >= 1; --l) ascend<true>(warp, plan, l, m);
  });
  for (int l = plan.first_warp_level - 1; l >= 1; --l) ascend<true>(team, plan, l, m);
  ascend<false>(team, plan, 0, m);
}

// --- Set-up ------------------------------------------------------------------------------------------------------------

/// An operator in double precision; `rising` null on five points.
struct Operator {
  int nx, ny;
  double *diagonal, *east, *north, *rising, *falling;
};

MANO_BOTH inline Operator finest_operator(const Plan& plan, double* slow) {
  return {plan.nx, plan.ny, slow + plan.diagonal, slow + plan.east, slow + plan.north, nullptr, nullptr};
}

MANO_BOTH inline Operator stage_operator(const Plan& plan, double* slow, int which, int nx, int ny) {
  double* at = slow + plan.stage[which];
  const int step = plan.stage_size + plan.stage_guard;
  const int first = plan.stage_guard;
  return {nx,
          ny,
          at + first,
          at + first + step,
          at + first + 2 * step,
          at + first + 3 * step,
          at + first + 4 * step};
}

/// The finest operator's transmissibilities (solver/stencil.hpp) from the permeability.
template <typename Team>
MANO_BOTH void take_permeability(Team& team, const Plan& plan, const double* k, const Operator& a) {
  const int nx = a.nx;
  team.each(nx * a.ny, [&](int p) {
    const int j = plan.level[0].whole.quotient(p);
    const int i = p - j * nx;
    const auto mean = [](double u, double v) { return 2.0 * u * (v / (u + v)); };
    const bool* held = plan.conditions.held;
    const double here = k[p];
    const double west = i > 0     ? mean(k[p - 1], here) * plan.across_x
                        : held[0] ? 2 * here * plan.across_x
                                  : 0.0;
    const double east = i + 1 < nx ? mean(here, k[p + 1]) * plan.across_x : 0.0;
    const double last_x = i + 1 == nx && held[1] ? 2 * here * plan.across_x : 0.0;
    const double south = j > 0     ? mean(k[p - nx], here) * plan.across_y
                         : held[2] ? 2 * here * plan.across_y
                                   : 0.0;
    const double north = j + 1 < a.ny ? mean(here, k[p + nx]) * plan.across_y : 0.0;
    const double last_y = j + 1 == a.ny && held[3] ? 2 * here * plan.across_y : 0.0;
    a.east[p] = east;
    a.north[p] = north;
    a.diagonal[p] = west + east + last_x + south + north + last_y;
  });
}

/// The operator of a level, times `factor`, in the cycle's precision.
template <typename S, typename Team>
MANO_BOTH void take_operator(Team& team, const Operator& a, double factor, const Level<S>& l) {
  team.each(a.nx * a.ny, [&](int p) {
    l.diagonal[p] = static_cast<S>(factor * a.diagonal[p]);
    l.east[p] = static_cast<S>(factor * a.east[p]);
    l.north[p] = static_cast<S>(factor * a.north[p]);
    if (a.rising == nullptr) return;
    l.rising[p] = static_cast<S>(factor * a.rising[p]);
    l.falling[p] = static_cast<S>(factor * a.falling[p]);
  });
}

/// Weights of the odd points along one direction, for every coarse point I the one between I and I + 1, to `lower` and `upper` and, in
/// the cycle's precision, to `kept_lower` and `kept_upper`; then coarse = P^T fine P. As solver/setup_loops.hpp, coarsen_in().
template <bool in_x, bool nine, typename S, typename Team>
MANO_BOTH void coarsen_in(Team& team, const Operator& f, const Operator& c, const Divisor& columns,
                          double* lower, double* upper, S* kept_lower, S* kept_upper) {
  const double* along = in_x ? f.east : f.north;
  const double* across = in_x ? f.north : f.east;
  double* coarse_along = in_x ? c.east : c.north;
  double* coarse_across = in_x ? c.north : c.east;
  const int a = in_x ? 1 : f.nx;
  const int o = in_x ? f.nx : 1;
  const int ca = in_x ? 1 : c.nx;
  const int co = in_x ? c.nx : 1;
  const int points = in_x ? f.nx : f.ny;  // fine, along the direction
  const int lines = in_x ? c.ny : c.nx;   // across it
  team.each(c.nx * c.ny, [&](int k) {
    const int j = columns.quotient(k);
    const int i = k - j * c.nx;
    const int index = in_x ? i : j;
    const int line = in_x ? j : i;
    double l = 0, u = 0;
    if (2 * index + 1 < points) {
      const int g = (in_x ? j * f.nx + 2 * i : 2 * j * f.nx + i) + a;
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
      // Beside a boundary along the direction the excess is that boundary's, and says nothing of the direction itself; except at
      // the very end of the line, where only one neighbour is left.
      const bool end_of_line = 2 * index + 1 == points - 1;
      const bool ignore = (line == 0 || line == lines - 1) && !end_of_line;
      excess = ignore || excess < 1e-10 * diagonal ? 0 : excess;
      const double sum = behind + ahead + excess;
      l = sum > 0 ? behind / sum : 0;
      u = sum > 0 ? ahead / sum : 0;
    }
    lower[k] = l;
    upper[k] = u;
    kept_lower[k] = static_cast<S>(l);
    kept_upper[k] = static_cast<S>(u);
  });
  team.each(c.nx * c.ny, [&](int k) {
    const int j = columns.quotient(k);
    const int i = k - j * c.nx;
    const int index = in_x ? i : j;
    const int line = in_x ? j : i;
    const int p = in_x ? j * f.nx + 2 * i : 2 * j * f.nx + i;  // the coarse point itself
    // Odd neighbours; where there is none its weight is zero.
    const int g = 2 * index + 1 < points ? p + a : p;
    const int h = index > 0 ? p - a : p;
    const bool has_line = line + 1 < lines;
    const double l = lower[k], u = upper[k];
    const double hu = index > 0 ? upper[k - ca] : 0;
    const double m = has_line ? lower[k + co] : 0;  // of the point across from g
    const double s = has_line ? upper[k + co] : 0;
    const double hs = has_line && index > 0 ? upper[k + co - ca] : 0;  // of the point across from h
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
  });
}

}  // namespace mano::batch
