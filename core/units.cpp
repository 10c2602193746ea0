#include "core/units.hpp"

#include "core/error.hpp"

namespace mano {

std::string to_string(UnitSystem system) {
  switch (system) {
    case UnitSystem::metric:
      return "metric";
    case UnitSystem::field:
      return "field";
    case UnitSystem::consistent:
      break;
  }
  return "consistent";
}

UnitSystem parse_unit_system(const std::string& text) {
  for (UnitSystem system : {UnitSystem::consistent, UnitSystem::metric, UnitSystem::field}) {
    if (text == to_string(system)) return system;
  }
  throw InvalidInput(fmt::format("units are '{}', expected consistent, metric or field", text));
}

UnitNames Units::names() const {
  switch (system) {
    case UnitSystem::metric:
      return {"m", "mD", "cP", "bar", "m3/day", "m3", "m/day", "day"};
    case UnitSystem::field:
      return {"ft", "mD", "cP", "psi", "bbl/day", "bbl", "ft/day", "day"};
    case UnitSystem::consistent:
      break;
  }
  return {};
}

namespace {

// Of the unit of volume of the rates, in cubes of the unit of length.
double length_cubes(UnitSystem system) {
  return system == UnitSystem::field ? kCubicFeetPerBarrel : 1.0;
}

}  // namespace

double Units::conductance() const {
  if (consistent()) return 1.0;
  return (system == UnitSystem::metric ? kDarcyMetric : kDarcyField) * thickness / viscosity;
}

double Units::velocity() const {
  return length_cubes(system) / thickness;
}

double Units::storage() const {
  return thickness / length_cubes(system);
}

std::string Units::description(bool with_thickness) const {
  if (consistent()) return "consistent units";
  const UnitNames n = names();
  return fmt::format(
      "{} units: lengths in {}, permeability in {}, pressure in {}, rates in {}; viscosity {:g} {}{}",
      to_string(system), n.length, n.permeability, n.pressure, n.rate, viscosity, n.viscosity,
      with_thickness ? fmt::format(", thickness {:g} {}", thickness, n.length) : "");
}

std::string with_unit(const std::string& name, const std::string& unit) {
  return unit.empty() ? name : name + " [" + unit + "]";
}

}  // namespace mano
