#pragma once
// --units, --viscosity and --thickness. Units are turned where the program reads and writes (apps/options/flow_options.hpp,
// apps/commands/solve.cpp); the solver knows none.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "apps/options/field_source.hpp"
#include "core/units.hpp"

namespace mano {

struct UnitOptions {
  std::string system;  ///< empty where not given
  std::optional<double> viscosity, thickness;
};

void add_unit_options(CLI::App& app, UnitOptions& options);

/// The units asked for, or those that the permeability's file states (GRDECL's METRIC and FIELD, a dataset's own), which a line then
/// says. Throws InvalidInput where both are there and differ, for GRDECL's LAB, for a viscosity or thickness that is not above zero or
/// stands with consistent units.
Units settle_units(const UnitOptions& options, const FieldSource& source);

/// A line on standard error where lengths are in m or ft, and neither --size nor the permeability's file tells how large the domain is.
void note_unit_domain(const Units& units, const FieldSource& source, const Grid& grid);

/// Throws InvalidInput for --thickness with a volume, whose grid has one.
void check_thickness(const UnitOptions& options, const Grid& grid);

}  // namespace mano
