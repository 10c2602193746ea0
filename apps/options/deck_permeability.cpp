#include "apps/options/deck_permeability.hpp"

#include "apps/options/command_line.hpp"
#include "apps/options/companion_field.hpp"
#include "core/error.hpp"
#include "datagen/grdecl.hpp"
#include "datagen/grdecl_file.hpp"

namespace mano {

namespace {

// Of PERMY and PERMZ those that a deck, read whole by its PERMX, has and the options leave open.
std::vector<char> open_directions(const FlowOptions& o, const FieldSource& rock, const Grid& grid) {
  const FieldOptions& file = rock.options();
  if (grid.flat() || !is_grdecl(file.permeability)) return {};
  if (!file.keyword.empty() && !same_keyword(file.keyword, "PERMX")) return {};
  const auto has = [&](const char* keyword) {
    return !grdecl_mentions(file.permeability, {keyword}, file.include_anywhere).empty();
  };
  std::vector<char> axes;
  if (!o.anisotropy && o.permeability_y.empty() && has("PERMY")) {
    bool same = false;
    try {
      const Field y = read_companion(open_companion(file, "PERMY", "permeability-y"), grid, 0, "PERMY");
      same = y.values == rock.draw(0, grid).values;
    } catch (const InvalidInput&) {  // it cannot be read: who takes it is told so
    }
    if (!same) axes.push_back('y');
  }
  if (!o.anisotropy_z && o.permeability_z.empty() && has("PERMZ")) axes.push_back('z');
  return axes;
}

}  // namespace

FlowOptions with_permeabilities_of_deck(FlowOptions o, const FieldSource& rock, const Grid& grid) {
  const FieldOptions& file = rock.options();
  const bool open_section = file.section && !o.anisotropy && o.permeability_y.empty();
  if (open_section && !grdecl_mentions(file.permeability, {"PERMZ"}, file.include_anywhere).empty())
    say(
        fmt::format("note: PERMZ of {} is not used: the section has PERMX in both directions; "
                    "--permeability-y PERMZ takes it",
                    file.permeability));
  for (const char axis : open_directions(o, rock, grid)) {
    const bool y = axis == 'y';
    (y ? o.permeability_y : o.permeability_z) = y ? "PERMY" : "PERMZ";
    say(fmt::format("permeability along {} is {} of {}; --anisotropy{} 1 takes PERMX in its place", axis,
                    y ? "PERMY" : "PERMZ", file.permeability, y ? "" : "-z"));
  }
  return o;
}

void note_permeabilities_left_out(const FlowOptions& o, const FieldSource& rock, const Grid& grid) {
  for (const char axis : open_directions(o, rock, grid)) {
    const bool y = axis == 'y';
    say(fmt::format(
        "note: {} of {} is not used: a dataset holds one permeability a cell, --anisotropy{} gives its "
        "ratio to PERMX",
        y ? "PERMY" : "PERMZ", rock.options().permeability, y ? "" : "-z"));
  }
}

}  // namespace mano
