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
