#pragma once
// What is the same for every sample of a batch: grid, problem, the hierarchy's grids, and where each array lies in a team's memory.

#include <cstdint>

#include "batch/team.hpp"
#include "core/field.hpp"

namespace mano::batch {

/// Division of numbers below 2^16 by one that stays the same.
struct Divisor {
  std::uint32_t by = 1;
  std::uint32_t magic = 0;  // ceil(2^32 / by)

  MANO_BOTH int quotient(int i) const {
    if (by == 1) return i;
#ifdef __CUDA_ARCH__
    return static_cast<int>(__umulhi(static_cast<unsigned>(i), magic));
#else
    return static_cast<int>((static_cast<std::uint64_t>(static_cast<unsigned>(i)) * magic) >> 32);
#endif
  }
};

/// Conditions that the same for all samples: pressure or no flow by side, a uniform source, and a well of a rate in the first
/// cell with its opposite in the last.
struct Conditions {
  bool held[4] = {};     ///< left, right, bottom, top: a prescribed pressure, else no flow
  double value[4] = {};  ///< that pressure
  double source = 0.0;
  double corner_rate = 0.0;

  MANO_BOTH bool free() const { return !(held[0] || held[1] || held[2] || held[3]); }
};

/// A grid of the hierarchy. Offsets count numbers of the cycle's precision from the start of the team's fast floats.
struct LevelPlan {
  int nx, ny;
  bool in_x, in_y;      ///< coarsened towards the next level; both false on the last
  bool nine;            ///< nine points, else five
  Divisor half, whole;  ///< (nx + 1) / 2 and nx
  Divisor next;         ///< nx of the next level
  int diagonal, east, north, rising, falling, x, b;
  int lower_x, upper_x, lower_y, upper_y;
};

struct Plan {
  static constexpr int kMostLevels = 24;
  static constexpr int kMostCells = 1 << 15;

  int nx, ny;
  double across_x, across_y;  ///< hy / hx, hx / hy
  double cell_area;
  Conditions conditions;

  int levels;
  int first_warp_level;  ///< from here on one warp suffices
  int smoothing_steps;
  LevelPlan level[kMostLevels];

  // Fast memory of a team, on a GPU shared memory where it fits: doubles first, then numbers of the cycle's precision.
  int direction;     ///< of conjugate gradients, doubles
  int fast_doubles;  ///< in all
  int temporary;     ///< a residual, numbers of the cycle's precision
  int fast_floats;

  // Slow memory, doubles. Set-up and conjugate gradients use the same part one after the other.
  int diagonal, east, north;  ///< of the finest grid, in double precision
  int stage[2];               ///< two operators on nine points while coarsening: five arrays of `stage_size`
  int stage_size, stage_guard;
  int weights;  ///< lower, then upper, of the interpolation in the making: `stage_size` each
  int solution, residual, product;
  int slow_doubles;

  template <typename S>
  MANO_BOTH long fast_bytes() const {
    return 8L * fast_doubles + static_cast<long>(sizeof(S)) * fast_floats;
  }
};

/// Throws InvalidInput for a grid of more than Plan::kMostCells cells, or a problem other than benchmark, drive and five-spot.
Plan make_plan(const Grid& grid, const std::string& problem_name);

}  // namespace mano::batch
