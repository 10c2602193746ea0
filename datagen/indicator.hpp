#pragma once
// Coefficients that say which of two phases a cell is of, by 0 and 1, in place of its permeability.

#include <string>
#include <utility>

#include "core/cell_mask.hpp"

namespace mano {

/// 0 and 1 become the two permeabilities, in active cells. Throws InvalidInput naming `where` and a cell that holds another value.
void map_phases(Field& field, const std::pair<double, double>& phases, const std::string& where,
                const CellMask& active);

/// check_permeability(); where the field is 0 and 1 alone, the error says that --phases maps it.
void check_coefficient(const Field& permeability, const std::string& where, const CellMask& active);

}  // namespace mano
