#include "batch/plan.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/known_problem.hpp"

namespace mano::batch {

namespace {

// As solver/multigrid.cpp: a direction that couples more weakly than this is not coarsened.
constexpr double kWeak = 0.3;
constexpr int kCellsOfAWarp = 256;

Divisor divisor(int by) {
  Divisor d;
  d.by = static_cast<std::uint32_t>(by);
  if (by > 1) d.magic = static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + d.by - 1) / d.by);
  return d;
}

Conditions conditions_of(const std::string& problem_name) {
  const auto known = known_problem(problem_name);
  check(known.has_value(),
        "problem is '{}'; in batches it must be benchmark, drive or five-spot, without changes",
        problem_name);
  Conditions c;
  for (int side = 0; side < 4; ++side) {
    c.held[side] = known->ends[side].kind == AxisEnd::Kind::value;
    c.value[side] = known->ends[side].value;
  }
  c.source = known->source;
  c.corner_rate = known->corner_rate;
  return c;
}

int guard(int nx) {
  return nx + 1;
}

void plan_levels(Plan& p, const Grid& grid) {
  int nx = grid.nx, ny = grid.ny;
  double coupling_x = p.across_x, coupling_y = p.across_y;
  p.levels = 0;
  while (true) {
    LevelPlan& l = p.level[p.levels++];
    l = {};
    l.nx = nx;
    l.ny = ny;
    l.nine = p.levels > 1;
    l.half = divisor((nx + 1) / 2);
    l.whole = divisor(nx);
    l.next = divisor(1);
    if (nx == 1 && ny == 1) break;
    l.in_x = nx > 1 && (ny == 1 || !(coupling_x < kWeak * coupling_y));
    l.in_y = ny > 1 && (nx == 1 || !(coupling_y < kWeak * coupling_x) || !l.in_x);
    if (l.in_x) {
      nx = (nx + 1) / 2;
      coupling_x /= 2;
      coupling_y *= 2;
    }
    if (l.in_y) {
      ny = (ny + 1) / 2;
      coupling_y /= 2;
      coupling_x *= 2;
    }
    l.next = divisor(nx);
  }
  p.first_warp_level = p.levels - 1;
  for (int l = p.levels - 1; l > 0 && p.level[l].nx * p.level[l].ny <= kCellsOfAWarp; --l)
    p.first_warp_level = l;
}

void place_fast(Plan& p) {
  const int cells = p.nx * p.ny;
  p.direction = guard(p.nx);
  p.fast_doubles = cells + 2 * guard(p.nx);
  int at = 0;
  // A coefficient before the first one of an array is read and must be zero.
  const auto place = [&](int count, int before) {
    const int offset = at + before;
    at = offset + count;
    return offset;
  };
  p.temporary = place(cells, guard(p.nx));
  for (int i = 0; i < p.levels; ++i) {
    LevelPlan& l = p.level[i];
    const int n = l.nx * l.ny;
    l.diagonal = place(n, 0);
    l.east = place(n, guard(l.nx));
    l.north = place(n, guard(l.nx));
    if (l.nine) {
      l.rising = place(n, guard(l.nx));
      l.falling = place(n, guard(l.nx));
    }
    l.x = place(n, guard(l.nx));
    l.b = place(n, guard(l.nx));
    if (i + 1 == p.levels) break;
    const LevelPlan& next = p.level[i + 1];
    if (l.in_x) {
      l.lower_x = place(next.nx * l.ny, 0);
      l.upper_x = place(next.nx * l.ny, 0);
    }
    if (l.in_y) {
      l.lower_y = place(next.nx * next.ny, 0);
      l.upper_y = place(next.nx * next.ny, 0);
    }
  }
  p.fast_floats = at + guard(p.nx);
}

void place_slow(Plan& p) {
  const int cells = p.nx * p.ny;
  int at = 0;
  const auto place = [&](int count) {
    const int offset = at + guard(p.nx);
    at = offset + count;
    return offset;
  };
  p.diagonal = place(cells);
  p.east = place(cells);
  p.north = place(cells);
  const int shared = at;
  // The largest grid after one coarsening.
  p.stage_guard = guard(p.nx);
  p.stage_size = std::max((p.nx + 1) / 2 * p.ny, p.nx * ((p.ny + 1) / 2));
  for (int& stage : p.stage) {
    stage = at;
    at += 5 * (p.stage_size + p.stage_guard);
  }
  p.weights = at;
  at += 2 * (p.stage_size + p.stage_guard);
  const int end = at;
  at = shared;
  p.solution = place(cells);
  p.residual = place(cells);
  p.product = place(cells);
  p.slow_doubles = std::max(end, at) + guard(p.nx);
}

}  // namespace

Plan make_plan(const Grid& grid, const std::string& problem_name) {
  check(static_cast<long>(grid.nx) * grid.ny <= Plan::kMostCells,
        "a grid of {} has {} cells; in batches it may have {} at most", grid.resolution(),
        static_cast<long>(grid.nx) * grid.ny, Plan::kMostCells);
  Plan p{};
  p.nx = grid.nx;
  p.ny = grid.ny;
  p.across_x = grid.hy() / grid.hx();
  p.across_y = grid.hx() / grid.hy();
  p.cell_area = grid.hx() * grid.hy();
  p.conditions = conditions_of(problem_name);
  p.smoothing_steps = 2;
  plan_levels(p, grid);
  place_fast(p);
  place_slow(p);
  return p;
}

}  // namespace mano::batch
