#pragma once
// One sample of a batch from permeability to verified pressure, by one team: set-up of the hierarchy, then conjugate gradients in double
// precision with one V-cycle as the preconditioner, begun anew from the true residual rhs - A p until that meets the tolerance. As
// solver/correction.hpp for the discretisation of solver/stencil.hpp.

#include <cmath>

#include "batch/hierarchy.hpp"

namespace mano::batch {

struct Outcome {
  double relative_residual =
      0.0;  ///< |rhs - A p| / |rhs|, recomputed from p; not a number where something overflowed
  double attainable =
      0.0;  ///< what rounding alone may leave of it (solver/stencil.hpp); 0 where the tolerance is met
  int iterations = 0;
};

/// Rows of zeros around what neighbours are read from.
template <typename S, typename Team>
MANO_BOTH void clear(Team& team, const Plan& plan, const Memory<S>& m) {
  team.each(plan.fast_doubles, [&](int i) { m.fast[i] = 0; });
  team.each(plan.fast_floats, [&](int i) { m.floats[i] = 0; });
  team.each(plan.slow_doubles, [&](int i) { m.slow[i] = 0; });
}

/// The whole hierarchy of `k`, [ny, nx]. Returns the factor of its operators, one over the mean of the diagonal.
template <typename S, typename Team>
MANO_BOTH double set_up(Team& team, const Plan& plan, const double* k, const Memory<S>& m) {
  Operator current = finest_operator(plan, m.slow);
  take_permeability(team, plan, k, current);
  const int cells = plan.nx * plan.ny;
  const double factor =
      static_cast<double>(cells) / team.sum(cells, [&](int p) { return current.diagonal[p]; });
  int stage = 0;
  double* lower = m.slow + plan.weights + plan.stage_guard;
  double* upper = lower + plan.stage_size + plan.stage_guard;
  for (int i = 0; i < plan.levels; ++i) {
    const LevelPlan& at = plan.level[i];
    const Level<S> l(at, m.floats);
    take_operator(team, current, factor, l);
    if (at.in_x) {
      const Operator coarse = stage_operator(plan, m.slow, stage, plan.level[i + 1].nx, current.ny);
      if (current.rising == nullptr) {
        coarsen_in<true, false>(team, current, coarse, at.next, lower, upper, l.lower_x, l.upper_x);
      } else {
        coarsen_in<true, true>(team, current, coarse, at.next, lower, upper, l.lower_x, l.upper_x);
      }
      current = coarse;
      stage = 1 - stage;
    }
    if (at.in_y) {
      const Operator coarse = stage_operator(plan, m.slow, stage, current.nx, plan.level[i + 1].ny);
      if (current.rising == nullptr) {
        coarsen_in<false, false>(team, current, coarse, at.next, lower, upper, l.lower_y, l.upper_y);
      } else {
        coarsen_in<false, true>(team, current, coarse, at.next, lower, upper, l.lower_y, l.upper_y);
      }
      current = coarse;
      stage = 1 - stage;
    }
  }
  return factor;
}

/// Flow into cell p: source, wells, and what prescribed pressures drive.
MANO_BOTH inline double right_hand_side(const Plan& plan, const double* k, int p) {
  const Conditions& c = plan.conditions;
  const int j = plan.level[0].whole.quotient(p);
  const int i = p - j * plan.nx;
  double rhs = c.source * plan.cell_area;
  if (i == 0 && c.held[0]) rhs += 2 * k[p] * plan.across_x * c.value[0];
  if (i + 1 == plan.nx && c.held[1]) rhs += 2 * k[p] * plan.across_x * c.value[1];
  if (j == 0 && c.held[2]) rhs += 2 * k[p] * plan.across_y * c.value[2];
  if (j + 1 == plan.ny && c.held[3]) rhs += 2 * k[p] * plan.across_y * c.value[3];
  if (p == 0) rhs += c.corner_rate;
  if (p == plan.nx * plan.ny - 1) rhs -= c.corner_rate;
  return rhs;
}

/// (A v)_p by differences: constants cancel before rounding does harm. v is finite, and any, one row outside.
MANO_BOTH inline double product(const Plan& plan, const Operator& a, const double* k, const double* v,
                                int p) {
  const int nx = a.nx;
  const double here = v[p];
  double sum = a.east[p - 1] * (here - v[p - 1]) + a.east[p] * (here - v[p + 1]) +
               a.north[p - nx] * (here - v[p - nx]) + a.north[p] * (here - v[p + nx]);
  const bool* held = plan.conditions.held;
  const int j = plan.level[0].whole.quotient(p);
  const int i = p - j * nx;
  if ((i == 0 && held[0])) sum += 2 * k[p] * plan.across_x * here;
  if ((i + 1 == nx && held[1])) sum += 2 * k[p] * plan.across_x * here;
  if ((j == 0 && held[2])) sum += 2 * k[p] * plan.across_y * here;
  if ((j + 1 == a.ny && held[3])) sum += 2 * k[p] * plan.across_y * here;
  return sum;
}

/// p of the sample with permeability `k`, both [ny, nx], to |rhs - A p| <= tolerance |rhs| or as near as restarts bring it. Where the
/// pressure is free its mean is zero.
template <typename S, typename Team>
MANO_BOTH Outcome solve(Team& team, const Plan& plan, const double* k, const Memory<S>& m, double tolerance,
                        double* pressure) {
  constexpr int kMostIterations = 100;
  constexpr int kAttempts = 4;
  const int cells = plan.nx * plan.ny;
  clear(team, plan, m);
  const double factor = set_up(team, plan, k, m);
  const Operator a = finest_operator(plan, m.slow);
  double* x = m.slow + plan.solution;
  double* r = m.slow + plan.residual;
  double* q = m.slow + plan.product;
  double* d = m.fast + plan.direction;
  const Level<S> finest(plan.level[0], m.floats);
  const double rhs = std::sqrt(team.sum(cells, [&](int p) {
    const double b = right_hand_side(plan, k, p);
    x[p] = 0;
    r[p] = b;
    return b * b;
  }));
  Outcome outcome;
  double norm = rhs;
  double before = norm;
  for (int attempt = 0; attempt < kAttempts && norm > 0; ++attempt) {
    // What conjugate gradients believe of their residual drifts from the truth: aim a little lower.
    const double target = 0.5 * tolerance * rhs;
    double rz = 0;
    while (norm > target && outcome.iterations < kMostIterations) {
      // z = B r, scaled to a mean square of 1: single precision has a range of its own.
      const double size = norm / std::sqrt(static_cast<double>(cells));
      team.each(cells, [&](int p) {
        finest.b[p] = static_cast<S>(r[p] / size);
        finest.x[p] = 0;
      });
      cycle(team, plan, m);
      const double scale = size * factor;
      const double rz_before = rz;
      rz = team.sum(cells, [&](int p) { return r[p] * (scale * finest.x[p]); });
      const double beta = rz_before != 0 ? rz / rz_before : 0;
      team.each(cells, [&](int p) { d[p] = scale * finest.x[p] + beta * d[p]; });
      const double curvature = team.sum(cells, [&](int p) {
        const double product_p = product(plan, a, k, d, p);
        q[p] = product_p;
        return d[p] * product_p;
      });
      if (!(curvature > 0) || !(rz > 0)) break;
      const double step = rz / curvature;
      norm = std::sqrt(team.sum(cells, [&](int p) {
        x[p] += step * d[p];
        const double left = r[p] - step * q[p];
        r[p] = left;
        return left * left;
      }));
      ++outcome.iterations;
    }
    // The direction's memory serves to see p with its neighbours; conjugate gradients begin anew.
    const double mean = plan.conditions.free() ? team.sum(cells, [&](int p) { return x[p]; }) / cells : 0.0;
    team.each(cells, [&](int p) {
      x[p] -= mean;
      d[p] = x[p];
    });
    norm = std::sqrt(team.sum(cells, [&](int p) {
      const double left = right_hand_side(plan, k, p) - product(plan, a, k, d, p);
      r[p] = left;
      return left * left;
    }));
    const bool done = !(norm > tolerance * rhs) || (attempt > 0 && norm > 0.5 * before);
    before = norm;
    team.each(cells, [&](int p) {
      if (done) pressure[p] = x[p];
      d[p] = 0;
    });
    if (done || attempt + 1 == kAttempts) {
      if (!done) team.each(cells, [&](int p) { pressure[p] = x[p]; });
      break;
    }
  }
  outcome.relative_residual = rhs > 0 ? norm / rhs : 0.0;
  if (norm > tolerance * rhs) {
    const double scale = std::sqrt(team.sum(cells, [&](int p) {
      const double size = 2 * a.diagonal[p] * std::fabs(pressure[p]) + std::fabs(right_hand_side(plan, k, p));
      return size * size;
    }));
    constexpr double kMost = 1e-2;  // beyond, a residual would say nothing
    outcome.attainable = std::fmin(kMost, 64 * 2.220446049250313e-16 * scale / rhs);
  }
  return outcome;
}

}  // namespace mano::batch
