#include "datagen/indicator.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace mano {

void map_phases(Field& field, const std::pair<double, double>& phases, const std::string& where,
                const CellMask& active) {
  for (std::size_t c = 0; c < field.values.size(); ++c) {
    if (!active[c]) continue;
    double& value = field.values[c];
    check(value == 0.0 || value == 1.0,
          "{}: value {} at point ({}, {}) is neither 0 nor 1, but --phases was given", where, value,
          c % field.grid.nx, c / field.grid.nx);
    value = value == 0.0 ? phases.first : phases.second;
  }
}

void check_coefficient(const Field& permeability, const std::string& where, const CellMask& active) {
  try {
    check_permeability(permeability, where, active);
  } catch (const InvalidInput& e) {
    const auto values = active_values(permeability, active);
    const bool indicator =
        std::all_of(values.begin(), values.end(), [](double v) { return v == 0.0 || v == 1.0; });
    if (!indicator) throw;
    throw InvalidInput(fmt::format(
        "{}; all values are 0 or 1: an indicator? --phases LOW,HIGH says the permeabilities", e.what()));
  }
}

}  // namespace mano
