#pragma once
// Units as JSON: system, viscosity in cP, thickness of the layer in its unit of length, and the names of the units for people.

#include <nlohmann/json.hpp>

#include "core/units.hpp"

namespace mano {

nlohmann::json units_json(const Units& units);
/// Needs `system` alone. Throws nlohmann's exceptions, and InvalidInput for an unknown system.
Units units_from_json(const nlohmann::json& json);

}  // namespace mano
