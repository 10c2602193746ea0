#pragma once
// Steady Darcy flow on a rectangle:
//
//   -div(k grad p) = f,   u = -k grad p          k: permeability over viscosity, p: pressure, u: Darcy flux
//
// with pressure p = value or outward normal flux u.n = value on each boundary face. Consistent units throughout.
// Cells, faces and boundaries are drawn in docs/discretisation.md.

#include <array>
#include <string>
#include <vector>

#include "core/field.hpp"

namespace mano {

enum class Side { left, right, bottom, top };  // x = 0, x = lx, y = 0, y = ly
inline constexpr std::array<Side, 4> kSides{Side::left, Side::right, Side::bottom, Side::top};

struct BoundaryCondition {
  enum class Type { pressure, flux };
  Type type = Type::pressure;
  std::vector<double>
      values;  ///< One value a face along the side: ny on left and right, nx on bottom and top.
};

struct Problem {
  Field permeability;                         ///< k > 0, one value a cell
  Field source;                               ///< f, rate per area (per volume at unit thickness)
  std::array<BoundaryCondition, 4> boundary;  ///< indexed by Side

  const Grid& grid() const { return permeability.grid; }
  const BoundaryCondition& on(Side side) const { return boundary[static_cast<int>(side)]; }
  BoundaryCondition& on(Side side) { return boundary[static_cast<int>(side)]; }
  /// No pressure is prescribed anywhere: p is fixed up to a constant only, and the mean is pinned to zero.
  bool pressure_is_free() const;
};

/// A constant condition along one side of `grid`.
BoundaryCondition constant_boundary(const Grid& grid, Side side, BoundaryCondition::Type type, double value);

/// Named set-ups.
///   benchmark   p = 0 all round, f = 1 (the set-up of the operator-learning literature)
///   drive       p = 1 left, p = 0 right, no flow at top and bottom, f = 0
///   five-spot   no flow all round; injector of rate 1 in cell (0, 0), producer of rate 1 in the opposite corner
/// Throws InvalidInput for another name or a permeability that is not finite and above zero.
Problem make_problem(const std::string& setup, Field permeability);

}  // namespace mano
