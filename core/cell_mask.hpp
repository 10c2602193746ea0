#pragma once
// Which cells of a grid take part in the flow. The others are inactive: nothing flows through their faces, and they have no pressure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/field.hpp"

namespace mano {

struct CellMask {
  Grid grid;
  std::vector<std::uint8_t> values;  ///< [nz, ny, nx], 1 active, 0 inactive; empty where all are active

  bool all() const { return values.empty(); }
  bool operator[](std::size_t cell) const { return values.empty() || values[cell] != 0; }
  bool operator()(int i, int j, int k = 0) const { return (*this)[grid.index(i, j, k)]; }
  std::size_t inactive() const;  ///< how many cells are
  bool operator==(const CellMask&) const = default;
};

/// The mask of 0 and 1; without values where all are 1. Throws InvalidInput naming `where` and a cell that holds another value, or where no
/// cell is active.
CellMask make_cell_mask(const Field& values, const std::string& where);

/// A rock is a permeability with 0 in inactive cells: what models take. These lead there and back.
Field rock_of(const Field& permeability, const CellMask& mask);
CellMask mask_of_rock(const Field& rock);

/// Active where the value is a number. Throws InvalidInput naming `where` where none is.
CellMask cells_with_numbers(const Field& values, const std::string& where);

/// Active where both are. Throws InvalidInput for grids of other resolutions.
CellMask both_active(const CellMask& a, const CellMask& b);

/// Which active cells are joined through their faces: the number of each one's region [nz, ny, nx], from 0 in the order of their first cells,
/// and -1 in inactive cells.
std::vector<int> region_numbers(const CellMask& active, const Grid& grid);

/// The field with `value` in inactive cells.
Field with_inactive(Field field, const CellMask& mask, double value);

/// The values of the active cells alone, in their order.
std::vector<double> active_values(const Field& field, const CellMask& mask);

/// As check_permeability(), of the active cells alone.
void check_permeability(const Field& permeability, const std::string& where, const CellMask& mask);

/// Of the active cells alone.
Range least_and_most(const std::vector<double>& values, const CellMask& mask);

}  // namespace mano
