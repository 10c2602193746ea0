#pragma once
// Symmetries of a problem: reflections and the exchange of x and y that turn a solution into one of the reflected permeability.
// Exact for the discretisation on cells too. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <string>
#include <vector>

#include "core/field.hpp"

namespace mano {

struct Symmetry {
  bool flip_x = false;
  bool flip_y = false;
  bool exchange = false;  ///< of x and y, after the reflections
  double sign = 1.0;      ///< pressure becomes sign * pressure + offset
  double offset = 0.0;
};

/// A square of as many points in x as in y.
inline bool can_exchange(const Grid& grid) {
  return grid.nx == grid.ny && grid.lx == grid.ly;
}

/// All of them, the identity first; it alone where the problem is not known. Values at nodes have no reflections, for a reflected node is
/// none; the exchange of x and y they have.
std::vector<Symmetry> symmetries(const std::string& problem_name, const Grid& grid, Location location);

/// Those of a displacement (DatasetInfo::displacement): of the named problem that drives it, the ones that leave the pressure as it is, so
/// that fluid enters where it entered; all where nothing but wells of each sample's own drives it; the identity alone where wells of all, sides
/// or anisotropy were changed.
std::vector<Symmetry> history_symmetries(const std::string& displacement, const Grid& grid);

/// values [N, C, H, W].
torch::Tensor reflected(const torch::Tensor& values, const Symmetry& symmetry);

}  // namespace mano
