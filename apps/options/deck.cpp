#include "apps/options/deck.hpp"

#include <fmt/ranges.h>

#include "apps/options/command_line.hpp"
#include "apps/options/companion_field.hpp"
#include "core/error.hpp"
#include "datagen/grdecl.hpp"
#include "datagen/grdecl_file.hpp"

namespace mano {

namespace {

// What permeabilities along y and z are called in a file like that of `rock`.
std::string name_along(char axis, const FieldSource& rock) {
  if (is_grdecl(rock.options().permeability)) return axis == 'y' ? "PERMY" : "PERMZ";
  return std::string("permeability_") + axis;
}

bool has_along(char axis, const FieldSource& rock, const Grid& grid) {
  const FieldOptions& file = rock.options();
  const std::string name = name_along(axis, rock);
  if (axis == 'z' && grid.flat()) return false;
  if (is_grdecl(file.permeability)) {  // a section along z has other axes
    return !file.section && !grdecl_mentions(file.permeability, {name}, file.include_anywhere).empty();
  }
  try {
    open_companion(file, name, std::string("permeability-") + axis);
    return true;
  } catch (const InvalidInput&) {
    return false;
  }
}

// Axes along which the file of a permeability along x has another one, that the options leave open.
std::vector<char> open_directions(const FlowOptions& o, const FieldSource& rock, const Grid& grid) {
  const FieldOptions& file = rock.options();
  if (!rock.from_file()) return {};
  const bool deck = is_grdecl(file.permeability);
  if (!file.keyword.empty() && !(deck ? same_keyword(file.keyword, "PERMX") : file.keyword == "permeability"))
    return {};
  std::vector<char> axes;
  if (!o.anisotropy && o.permeability_y.empty() && has_along('y', rock, grid)) {
    bool same = false;
    try {
      const std::string name = name_along('y', rock);
      const Field y = read_companion(open_companion(file, name, "permeability-y"), grid, 0, name.c_str());
      same = y.values == rock.draw(0, grid).values;
    } catch (const InvalidInput&) {  // it cannot be read: who takes it is told so
    }
    if (!same) axes.push_back('y');
  }
  if (!o.anisotropy_z && o.permeability_z.empty() && has_along('z', rock, grid)) axes.push_back('z');
  return axes;
}

}  // namespace

FlowOptions with_permeabilities_of_file(FlowOptions o, const FieldSource& rock, const Grid& grid) {
  const FieldOptions& file = rock.options();
  const bool open_section = file.section && !o.anisotropy && o.permeability_y.empty();
  if (open_section && !grdecl_mentions(file.permeability, {"PERMZ"}, file.include_anywhere).empty())
    say(
        fmt::format("note: PERMZ of {} is not used: the section has PERMX in both directions; "
                    "--permeability-y PERMZ takes it",
                    file.permeability));
  for (const char axis : open_directions(o, rock, grid)) {
    const bool y = axis == 'y';
    const std::string name = name_along(axis, rock);
    (y ? o.permeability_y : o.permeability_z) = name;
    say(fmt::format("permeability along {} is {} of {}; --anisotropy{} 1 takes {} in its place", axis, name,
                    file.permeability, y ? "" : "-z",
                    is_grdecl(file.permeability) ? "PERMX" : "that along x"));
  }
  return o;
}

void note_permeabilities_left_out(const FlowOptions& o, const FieldSource& rock, const Grid& grid) {
  for (const char axis : open_directions(o, rock, grid)) {
    const bool y = axis == 'y';
    say(fmt::format(
        "note: {} of {} is not used: a dataset holds one permeability a cell, --anisotropy{} gives its "
        "ratio to that along x",
        name_along(axis, rock), rock.options().permeability, y ? "" : "-z"));
  }
}

void check_one_permeability(const FieldSource& rock, const Grid& grid, std::optional<bool> force) {
  if (open_directions({}, rock, grid).empty()) return;
  const std::string what = fmt::format("{} of {} differs from the permeability along x",
                                       name_along('y', rock), rock.options().permeability);
  check(force.value_or(false), "{}; a surrogate knows one permeability a cell: solve it{}", what,
        force ? ", or pass --force to leave that out" : "");
  say("note: " + what + " and is not used: a surrogate knows one permeability a cell");
}

void note_what_is_not_read(const GrdeclFile& deck, const FieldOptions& options) {
  const auto mentions = [&](const std::vector<std::string>& keywords) {
    return grdecl_mentions(options.permeability, keywords, options.include_anywhere);
  };
  const auto shapes = mentions({"COORD", "ZCORN", "DX", "DY", "DZ", "DXV", "DYV", "DZV", "TOPS"});
  if (!shapes.empty()) {
    say(fmt::format(
        "note: {} of {} {} not read: all cells are taken as equal boxes, side by side, of the domain "
        "that --size gives{}",
        fmt::join(shapes, ", "), options.permeability, shapes.size() == 1 ? "is" : "are",
        options.size.empty() ? "; without it lengths are 1" : ""));
  }
  if (deck.ends_open())
    say(fmt::format("note: {} of {} ends without a slash and is taken to be complete",
                    deck.sections().back().keyword, options.permeability));
  const auto joints =
      mentions({"NTG", "FAULTS", "MULTFLT", "MULTX", "MULTX-", "MULTY", "MULTY-", "MULTZ", "MULTZ-",
                "MULTREGT", "NNC", "EDITNNC", "TRANX", "TRANY", "TRANZ", "PINCH", "MINPV", "MINPVV"});
  if (!joints.empty()) {
    say(fmt::format(
        "note: {} of {} {} not applied: faces conduct as the permeabilities of their two cells say, "
        "and ACTNUM alone makes cells inactive",
        fmt::join(joints, ", "), options.permeability, joints.size() == 1 ? "is" : "are"));
  }
}

}  // namespace mano
