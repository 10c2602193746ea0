#pragma once
// What an engineer asks of a solved problem: rates and pressures of wells by name, flow through the sides, pore volume, and how much of it
// is swept when. --report, --time-of-flight, --porosity.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/options/field_source.hpp"
#include "core/units.hpp"
#include "solver/problem.hpp"

namespace mano {

struct ReportOptions {
  bool report = false;
  bool time_of_flight = false;
  std::string porosity;  ///< a number, a keyword of the permeability's file, or a file

  bool any() const { return report || time_of_flight; }
};

void add_report_options(CLI::App& app, ReportOptions& options);

/// --porosity, else PORO of a GRDECL file; empty where there is neither, or nobody asks. Throws InvalidInput where the time of flight is
/// asked for without, for a porosity that nothing uses, and for values outside [0, 1], or 0 alone, in active cells.
std::optional<Field> porosity_of(const ReportOptions& options, const FieldSource& source,
                                 const Sample& sample);

/// Throws InvalidInput, naming `what`, for values outside [0, 1], or 0 alone, in active cells.
void check_porosity(const Field& porosity, const CellMask& active, const std::string& what);

/// In the units of the problem's rates.
struct Swept {
  double pore_volumes;  ///< injected
  double time;
  double volume;  ///< swept
};

struct FlowReport {
  Units units;
  Grid grid;
  nlohmann::json wells;                                 ///< as describe_wells() has them
  std::vector<std::pair<std::string, double>> outflow;  ///< name of a side, flow out through it
  double inflow = 0.0;
  std::optional<double> pore_volume;
  double without_flow = 0.0;            ///< pore volume of cells without flow
  std::optional<Field> time_of_flight;  ///< where porosity is known
  std::vector<Swept> swept;
};

/// `porosity` as porosity_of() returns it; `names` one a well.
FlowReport make_flow_report(const Problem& problem, const Field& pressure, const Units& units,
                            const std::vector<std::string>& names, const std::optional<Field>& porosity);

/// A table on standard output.
void print_flow_report(const FlowReport& report);
nlohmann::json to_json(const FlowReport& report);

nlohmann::json outflow_json(const FlowReport& report);

/// The JSON of wells by itself: `name`, `cell` (column and row), `control`, `rate`, `pressure` (null where unknown), and in a volume
/// `layers`: of each active layer the well is open in, `layer` (counted from 1 at the top) and `rate`.
nlohmann::json describe_wells(const Problem& problem, const Field& pressure,
                              const std::vector<std::string>& names);

}  // namespace mano
