#include "apps/options/unit_options.hpp"

#include <cmath>
#include <tuple>

#include "apps/options/command_line.hpp"
#include "core/error.hpp"

namespace mano {

void add_unit_options(CLI::App& app, UnitOptions& o) {
  const std::string group = "Units";
  app.add_option("--units", o.system,
                 "consistent, metric (m, mD, cP, bar, m3/day) or field (ft, mD, cP, psi, bbl/day) [what the "
                 "permeability's file says, else consistent]")
      ->group(group);
  app.add_option("--viscosity", o.viscosity, "Of the fluid in cP, in metric and field units [1]")
      ->group(group);
  app.add_option("--thickness", o.thickness, "Of the layer in m or ft, in metric and field units [1]")
      ->group(group);
}

Units settle_units(const UnitOptions& o, const FieldSource& source) {
  const std::string& file = source.options().permeability;
  const std::optional<Units> stated = source.units();
  Units units = stated.value_or(Units{});
  if (!o.system.empty()) units.system = parse_unit_system(o.system);
  check(!stated || units.system == stated->system, "--units is {}, but {} is in {} units: leave --units out",
        o.system, file, to_string(stated.value_or(units).system));
  check(!units.consistent() || source.unit().empty(),
        "{}: the permeability is in {}: pass --units metric or field", file, source.unit());
  for (auto [name, given, value] : {std::tuple{"viscosity", o.viscosity, &units.viscosity},
                                    {"thickness", o.thickness, &units.thickness}}) {
    if (!given) continue;
    check(!units.consistent(),
          "--{} is {}, which needs --units metric or field: in consistent units permeability is over "
          "viscosity already, and rates are those of unit thickness",
          name, *given);
    check(std::isfinite(*given) && *given > 0, "--{} is {}; it must be finite and above zero", name, *given);
    *value = *given;
  }
  if (stated && o.system.empty())
    say(fmt::format("{} says that it is in {} units", file, to_string(stated->system)));
  return units;
}

void note_unit_domain(const Units& units, const FieldSource& source, const Grid& grid) {
  if (units.consistent() || !source.options().size.empty() || source.place() || launched_rank() != 0) return;
  fmt::print(stderr, "mano: note: no --size was given: the domain is {} {}; pass --size {} in {}\n",
             grid.size(), units.names().length, grid.flat() ? "LXxLY" : "LXxLYxLZ", units.names().length);
}

void check_thickness(const UnitOptions& o, const Grid& grid) {
  check(grid.flat() || !o.thickness,
        "--thickness is {}, but the grid is a volume, {} on {}: its thickness is the last length of --size "
        "LXxLYxLZ",
        o.thickness.value_or(1), grid.resolution(), grid.size());
}

}  // namespace mano
