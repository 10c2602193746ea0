#pragma once
// Tensors [N, 1, H, W] from grid to grid by the maps of core/resample.hpp. Private to surrogate/ and its tests.

#include <torch/types.h>

#include "core/field.hpp"
#include "core/resample.hpp"

namespace mano {

torch::Tensor restricted(const torch::Tensor& values, const Resolution& target, Location location);

/// Bilinear; `ends` say how the field goes on to the boundary.
torch::Tensor interpolated(const torch::Tensor& values, const Resolution& target, Location location,
                           const Ends& ends);

// Inactive cells. A permeability of 0 marks them, and pressures are 0 there. `part` [N, 1, H, W] is what is active of each cell: 0 or 1
// on the data's own grid, between on coarser ones. Undefined, all is active, and what follows is the same as without it.

/// Of `rock` on a grid that is as fine or coarser, in float64; undefined unless there may be inactive cells.
torch::Tensor active_part(const torch::Tensor& rock, const Resolution& grid, bool may_be_inactive = true);
/// `values` where something is active, else 0.
torch::Tensor hidden(const torch::Tensor& values, const torch::Tensor& part);
/// The mean over what is active; `part` of the grid of `values`.
torch::Tensor restricted(const torch::Tensor& values, const torch::Tensor& part, const Resolution& target,
                         Location location);
/// Between points that are active, by their weights: w p / sum of w. `from` and `to` are parts of either grid.
torch::Tensor interpolated(const torch::Tensor& values, const torch::Tensor& from, const torch::Tensor& to,
                           const Resolution& target, Location location, const Ends& ends);

/// Constant beyond the outermost cells.
inline constexpr AxisEnd kConstantEnd{AxisEnd::Kind::mirror};
inline constexpr Ends kConstantEnds{kConstantEnd, kConstantEnd, kConstantEnd, kConstantEnd};

/// interpolated() of cells with kConstantEnds, of many numbers a cell and some rows at a time.
class PointInterpolation {
 public:
  /// `from` and `to` are parts as above, of [N, C, H, W] `values` and of the target.
  PointInterpolation(torch::Tensor values, torch::Tensor from, torch::Tensor to, const Resolution& target);

  /// Rows [first, last) of the target, [N, C, last - first, W], channels last in memory.
  torch::Tensor rows(std::int64_t first, std::int64_t last) const;

 private:
  struct Axis {
    torch::Tensor lower, upper, share;  // target t: lower + share (upper - lower)
  };
  static Axis axis_of(int from, int to, const torch::TensorOptions& options);

  Axis along_x_, along_y_;
  torch::Tensor points_;          // [N, H, W, C]
  torch::Tensor divisor_, part_;  // undefined where all is active
};

/// The grids from `base` to `target`, without `base`: both sizes double until the next doubling would pass the target's; the last
/// is the target, or where the target is coarser in a direction than the base, as fine as the base there.
std::vector<Resolution> grid_hierarchy(const Resolution& base, const Resolution& target);

inline Resolution resolution_of(const torch::Tensor& values) {
  return {static_cast<int>(values.size(3)), static_cast<int>(values.size(2))};
}

/// The same domain in other cells.
inline Grid with_resolution(const Grid& grid, const Resolution& r) {
  return {r.nx, r.ny, grid.lx, grid.ly, grid.x0, grid.y0};
}

}  // namespace mano
