#pragma once
// Steady Darcy flow on a rectangle or in a box:
//
//   -div(k grad p) = f,   u = -k grad p          k: permeability over viscosity, p: pressure, u: Darcy flux
//
// with pressure p = value or outward normal flux u.n = value on each boundary face, and wells inside cells. k is one number a
// cell, or one along each axis. Consistent units throughout.
// Cells, faces and boundaries are drawn in docs/discretisation.md.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/field.hpp"

namespace mano {

enum class Side { left, right, front, back, top, bottom };  // x = 0, lx; y = 0, ly; z = 0, lz (a depth)
inline constexpr std::array<Side, 6> kSides{Side::left, Side::right, Side::front,
                                            Side::back, Side::top,   Side::bottom};
/// Of a flat grid the first four; what stands on its top and bottom counts for nothing.
std::span<const Side> sides_of(const Grid& grid);
/// left, right, front, back, top, bottom; of a flat grid, seen in plan, those along y are called bottom (y = 0) and top (y = ly).
std::string name_of(Side side, const Grid& grid);
/// The side of that name; empty where there is none. Flat grids know both names of the sides along y.
std::optional<Side> side_named(const std::string& name, const Grid& grid);

struct BoundaryCondition {
  enum class Type { pressure, flux };
  Type type = Type::pressure;
  /// One value a face of the side: [nz, ny] on left and right, [nz, nx] on front and back, [ny, nx] on top and bottom.
  std::vector<double> values;
};

/// A vertical well through the centres of the cells (i, j, k) of layers first_layer to last_layer, inactive ones left out, by
/// J. D. Peaceman's model, SPE J. 23 (1983), layer by layer:
///   rate of a layer = index (well pressure - p_ijk),   index = 2 pi sqrt(kx ky) hz / ln(r_o / radius),
///   r_o = 0.28 sqrt(sqrt(ky / kx) hx^2 + sqrt(kx / ky) hy^2) / ((ky / kx)^(1/4) + (kx / ky)^(1/4))
/// One pressure in the bore holds for all layers. A rate is the sum over the layers; without a radius it is shared among them in
/// proportion to sqrt(kx ky) hz.
struct Well {
  enum class Control { rate, pressure };  ///< what `value` prescribes; a rate into the rock is positive
  int i = 0;
  int j = 0;
  Control control = Control::rate;
  double value = 0.0;
  double radius = 0.0;  ///< of the bore, below r_o; 0 for a rate whose well pressure nobody asks for
  int first_layer = 0;
  int last_layer = 0;
};

struct Problem {
  Field permeability;  ///< k > 0, one value a cell; anything in inactive cells
  Field source;        ///< f, rate per volume (per area of a flat grid, whose thickness is 1)
  std::array<BoundaryCondition, 6> boundary;  ///< indexed by Side
  Field permeability_y;  ///< along y, where it differs from that along x; empty where not
  std::vector<Well> wells;
  CellMask active =
      {};  ///< nothing flows through the faces of the others, and their sources count for nothing
  Field permeability_z = {};  ///< along z, where it differs from that along x; empty where not

  const Grid& grid() const { return permeability.grid; }
  const BoundaryCondition& on(Side side) const { return boundary[static_cast<int>(side)]; }
  BoundaryCondition& on(Side side) { return boundary[static_cast<int>(side)]; }
  /// Permeability along y.
  const Field& along_y() const { return permeability_y.values.empty() ? permeability : permeability_y; }
  /// Permeability along z.
  const Field& along_z() const { return permeability_z.values.empty() ? permeability : permeability_z; }
  /// Permeability in the direction across a side.
  const Field& across(Side side) const;
  /// Of all directions, active cells alone.
  Range permeability_range() const;
  /// No pressure is prescribed anywhere, by a side or a well: p is fixed up to a constant only, and the mean is pinned to zero.
  bool pressure_is_free() const;
};

/// Flow that wells of given rate, flux through sides and sources put in, without what they take out.
double prescribed_injection(const Problem& problem);

/// A constant condition along one side of `grid`.
BoundaryCondition constant_boundary(const Grid& grid, Side side, BoundaryCondition::Type type, double value);

enum class Axis { x, y, z };
/// Pressure 1 to 0 along an axis through the rock of `rock`, no flow through the other sides.
Problem flow_along(Axis axis, const Problem& rock);

/// Peaceman's index and equivalent radius r_o of `well` in a layer.
double well_index(const Problem& problem, const Well& well, int layer);
double equivalent_radius(const Problem& problem, const Well& well, int layer);
/// Of a well in the first of its layers, for flat grids.
inline double well_index(const Problem& problem, const Well& well) {
  return well_index(problem, well, well.first_layer);
}

/// Where a well is open.
struct Completion {
  std::size_t cell = 0;
  int layer = 0;
  double index = 0.0;  ///< Peaceman's; 0 for a well without a radius
  double share = 1.0;  ///< of the well's sqrt(kx ky) hz
};
/// The active cells of `well`, from the top.
std::vector<Completion> completions(const Problem& problem, const Well& well);

/// Throws InvalidInput for permeabilities, sources or boundary values that are not finite (or not above zero), fields of
/// another grid, wells outside the grid, in inactive cells or too wide for their cell, sides of given pressure without an active cell,
/// flux through the side of an inactive cell, islands (solver/regions.hpp), or total inflow that nothing lets out.
void check_problem(const Problem& problem);

/// Named problems.
///   benchmark   p = 0 all round, f = 1 (the problem of the operator-learning literature)
///   drive       p = 1 left, p = 0 right, no flow through the other sides, f = 0
///   five-spot   no flow all round; injector of rate 1 in cell (0, 0), producer of rate 1 in the opposite corner, in all layers
///   closed      no flow all round and no source: nothing moves until wells or sides are added
/// Throws InvalidInput for another name or a permeability that is not finite and above zero.
Problem make_problem(const std::string& problem_name, Field permeability, CellMask active = {});

}  // namespace mano
