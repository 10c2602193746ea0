#pragma once
// Permeabilities along y and z that a GRDECL file brings beside PERMX.

#include "apps/options/flow_options.hpp"

namespace mano {

/// Of a GRDECL file that is read whole, PERMZ is the permeability along z, and a PERMY other than PERMX that along y, unless the options say
/// otherwise: the options with both, which are said in a line each. Of a section along z a PERMZ that is not used is said.
FlowOptions with_permeabilities_of_deck(FlowOptions options, const FieldSource& rock, const Grid& grid);
/// Says that a dataset does not hold them, and which option gives a ratio in their place.
void note_permeabilities_left_out(const FlowOptions& options, const FieldSource& rock, const Grid& grid);

}  // namespace mano
