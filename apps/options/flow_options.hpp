#pragma once
// The options that say what drives the flow: a named problem, conditions by side, sources, wells, and permeability along y.

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/options/field_source.hpp"
#include "core/units.hpp"
#include "solver/problem.hpp"

namespace mano {

struct FlowOptions {
  std::string problem_name;  ///< empty where not given
  std::string left, right, bottom, top;
  std::string source, source_keyword;
  std::vector<std::string> wells;
  std::optional<double> anisotropy;  ///< ky / kx
  std::string permeability_y;        ///< keyword of the permeability's file, or a file
  bool drop_islands = false;
};

void add_flow_options(CLI::App& app, FlowOptions& options);
void add_drop_islands_option(CLI::App& app, bool& drop, const std::string& group = "");
/// --anisotropy and --permeability-y alone.
void add_anisotropy_options(CLI::App& app, FlowOptions& options);

/// Turns permeabilities into problems.
class FlowSource {
 public:
  /// Parses everything; `rock` tells which file `--permeability-y KEYWORD` belongs to, `units` in which units permeabilities, lengths,
  /// pressures and rates are. Throws InvalidInput.
  FlowSource(FlowOptions options, const FieldSource& rock, const Units& units = {});

  const Units& units() const { return units_; }
  /// One for each well of the problem, those of a named problem first: W1, W2, ... by their order where no other name is given.
  const std::vector<std::string>& well_names() const { return well_names_; }
  /// Permeability along y of a sample as the user gave it; empty where it is that along x.
  Field permeability_y(const Sample& sample) const;
  /// The problem's name, or kCustomProblem and a hash of the configuration where options changed it.
  std::string problem_name() const;
  /// Of the permeability and active cells of a sample; islands are dropped where asked for. Checked. Its permeability is multiplied by
  /// conductance() of the units, so that its pressures and rates are in these units. Throws InvalidInput for what does not fit the grid.
  Problem problem(const Sample& sample) const;
  /// ky comes from a file, which only a single solve takes.
  bool has_permeability_file() const { return !options_.permeability_y.empty(); }
  /// The source comes from a file, which may hold one for every sample.
  bool has_source_file() const { return source_file_.has_value(); }
  /// What differs from the named problem, for the configuration; null where nothing does.
  nlohmann::json configuration() const;

 private:
  struct SideOption {
    Side side;
    BoundaryCondition::Type type;
    std::vector<double> values;
  };
  struct WellOption {
    double x, y;
    Well well;
    std::string name;
  };

  void name_wells(const Problem& named);
  Field for_solver(Field permeability) const;

  FlowOptions options_;
  Units units_;
  std::vector<SideOption> sides_;
  std::vector<WellOption> wells_;
  std::vector<std::string> well_names_;
  std::optional<double> uniform_source_;
  std::optional<FieldSource> source_file_;  // open for as long as samples are drawn
  std::optional<FieldSource> permeability_y_;
};

}  // namespace mano
