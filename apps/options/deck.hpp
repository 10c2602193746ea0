#pragma once
// What a GRDECL file brings beside the permeability that is read, and what of it counts.

#include "apps/options/flow_options.hpp"
#include "datagen/grdecl_file.hpp"

namespace mano {

/// Where the file of a permeability has others along y and z (PERMY of a GRDECL file or of a layer of it, PERMZ of one that is read whole,
/// permeability_y and permeability_z of a result of ours), those are taken unless the options say otherwise: the options with both, which are said in a line
/// each. Of a section along z a PERMZ that is not used is said.
FlowOptions with_permeabilities_of_file(FlowOptions options, const FieldSource& rock, const Grid& grid);
/// Says that a dataset does not hold them, and which option gives a ratio in their place.
void note_permeabilities_left_out(const FlowOptions& options, const FieldSource& rock, const Grid& grid);
/// Throws InvalidInput where the file has another one along y, which a surrogate does not read; with `force`, the option of that name where
/// there is one, only says so.
void check_one_permeability(const FieldSource& rock, const Grid& grid, std::optional<bool> force = {});

/// Says what the file states of its cells' shapes and of what joins them, which is not read, and a list that the end of the file cuts.
void note_what_is_not_read(const GrdeclFile& deck, const FieldOptions& options);

}  // namespace mano
