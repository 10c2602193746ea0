#pragma once
// The options of a displacement: its fluids, its times, and how it is computed.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/options/field_source.hpp"
#include "apps/options/flow_options.hpp"
#include "core/units.hpp"
#include "displacement/simulator.hpp"

namespace mano {

struct DisplacementOptions {
  std::string fluids = "oil-water";
  std::optional<double> viscosity_ratio, displaced_viscosity;
  std::string exponents, end_points, residuals;  ///< "INJECTED,DISPLACED"; empty where not given
  std::string porosity;  ///< a number, a keyword of the permeability's file, or a file
  std::string until = "0.6pv";
  int snapshots = 12;
  std::string transport = "theta";
  double step_tolerance = SimulationOptions{}.step_tolerance;
  bool operator==(const DisplacementOptions&) const = default;
};

void add_displacement_options(CLI::App& app, DisplacementOptions& options);
/// Fluids and accuracy alone.
void add_fluid_options(CLI::App& app, DisplacementOptions& options);
/// None was given.
bool is_default(const DisplacementOptions& options);

/// Options that drive nothing become the five-spot, which is what is displaced by default.
void choose_displacement_problem(FlowOptions& flow);

/// Throws InvalidInput.
Fluids settle_fluids(const DisplacementOptions& options, const Units& units);

/// Times in pore volumes injected and accuracy. Throws InvalidInput.
SimulationOptions settle_simulation(const DisplacementOptions& options);
/// The same for one displacement, whose end may be given in days: with injection at given rates their pore volumes are known.
SimulationOptions settle_simulation(const DisplacementOptions& options, const Displacement& displacement,
                                    const Units& units);
/// Throws InvalidInput where a run did not end after the days that were asked for, because more was injected than the rates say.
void check_until(const DisplacementOptions& options, double time);

/// Porosity of a sample: --porosity, else PORO of a GRDECL file, else 1 in consistent units. Throws InvalidInput in other units, where times
/// would mean nothing without one.
Field porosity_of(const DisplacementOptions& options, const FieldSource& source, const Sample& sample,
                  const Units& units);

/// Of a sample, with its pore volume in the unit of volume of the rates.
Displacement make_displacement(const DisplacementOptions& options, const FieldSource& source,
                               const FlowSource& flow, const Sample& sample, const Fluids& fluids);

nlohmann::json to_json(const Fluids& fluids);
Fluids fluids_from_json(const nlohmann::json& json);  ///< Throws InvalidInput.

}  // namespace mano
