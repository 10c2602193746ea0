#include "datagen/units_json.hpp"

namespace mano {

nlohmann::json units_json(const Units& units) {
  const UnitNames n = units.names();
  return {{"system", to_string(units.system)},
          {"length", n.length},
          {"permeability", n.permeability},
          {"pressure", n.pressure},
          {"rate", n.rate},
          {"volume", n.volume},
          {"velocity", n.velocity},
          {"time", n.time},
          {"viscosity", units.viscosity},
          {"viscosity_unit", n.viscosity},
          {"thickness", units.thickness}};
}

Units units_from_json(const nlohmann::json& json) {
  return {parse_unit_system(json.at("system")), json.value("viscosity", 1.0), json.value("thickness", 1.0)};
}

}  // namespace mano
