#pragma once
// Steady Darcy flow on a rectangle:
//
//   -div(k grad p) = f,   u = -k grad p          k: permeability over viscosity, p: pressure, u: Darcy flux
//
// with pressure p = value or outward normal flux u.n = value on each boundary face, and wells inside cells. k is one number a
// cell, or two, along x and along y. Consistent units throughout.
// Cells, faces and boundaries are drawn in docs/discretisation.md.

#include <array>
#include <string>
#include <vector>

#include "core/cell_mask.hpp"
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

/// A vertical well through the centre of the block of cell (i, j), by J. D. Peaceman's model, SPE J. 23 (1983):
///   rate = index (well pressure - p_ij),   index = 2 pi sqrt(kx ky) / ln(r_o / radius),
///   r_o = 0.28 sqrt(sqrt(ky / kx) hx^2 + sqrt(kx / ky) hy^2) / ((ky / kx)^(1/4) + (kx / ky)^(1/4))
struct Well {
  enum class Control { rate, pressure };  ///< what `value` prescribes; a rate into the rock is positive
  int i = 0;
  int j = 0;
  Control control = Control::rate;
  double value = 0.0;
  double radius = 0.0;  ///< of the bore, below r_o; 0 for a rate whose well pressure nobody asks for
};

struct Problem {
  Field permeability;                         ///< k > 0, one value a cell; anything in inactive cells
  Field source;                               ///< f, rate per area (per volume at unit thickness)
  std::array<BoundaryCondition, 4> boundary;  ///< indexed by Side
  Field permeability_y;  ///< along y, where it differs from that along x; empty where not
  std::vector<Well> wells;
  CellMask active =
      {};  ///< nothing flows through the faces of the others, and their sources count for nothing

  const Grid& grid() const { return permeability.grid; }
  const BoundaryCondition& on(Side side) const { return boundary[static_cast<int>(side)]; }
  BoundaryCondition& on(Side side) { return boundary[static_cast<int>(side)]; }
  /// Permeability along y.
  const Field& along_y() const { return permeability_y.values.empty() ? permeability : permeability_y; }
  /// Of both directions, active cells alone.
  Range permeability_range() const;
  /// No pressure is prescribed anywhere, by a side or a well: p is fixed up to a constant only, and the mean is pinned to zero.
  bool pressure_is_free() const;
};

/// A constant condition along one side of `grid`.
BoundaryCondition constant_boundary(const Grid& grid, Side side, BoundaryCondition::Type type, double value);

/// Pressure 1 to 0 along x (else y) through the rock of `rock`, no flow through the other two sides.
Problem flow_along(bool x, const Problem& rock);

/// Peaceman's index and equivalent radius r_o of `well`.
double well_index(const Problem& problem, const Well& well);
double equivalent_radius(const Problem& problem, const Well& well);

/// Throws InvalidInput for permeabilities, sources or boundary values that are not finite (or not above zero), fields of
/// another grid, wells outside the grid, in inactive cells or too wide for their cell, sides of given pressure without an active cell,
/// flux through the side of an inactive cell, islands (solver/regions.hpp), or total inflow that nothing lets out.
void check_problem(const Problem& problem);

/// Named problems.
///   benchmark   p = 0 all round, f = 1 (the problem of the operator-learning literature)
///   drive       p = 1 left, p = 0 right, no flow at top and bottom, f = 0
///   five-spot   no flow all round; injector of rate 1 in cell (0, 0), producer of rate 1 in the opposite corner
///   closed      no flow all round and no source: nothing moves until wells or sides are added
/// Throws InvalidInput for another name or a permeability that is not finite and above zero.
Problem make_problem(const std::string& problem_name, Field permeability, CellMask active = {});

}  // namespace mano
