#pragma once
// The options that say what drives the flow: a named problem, conditions by side, sources, wells, and permeability along y and z.

#include <CLI/CLI.hpp>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/options/field_source.hpp"
#include "apps/options/well_option.hpp"
#include "core/units.hpp"
#include "solver/problem.hpp"

namespace mano {

struct FlowOptions {
  std::string problem_name;  ///< empty where not given
  std::string left, right, bottom, top;
  std::string front, back;  ///< along y; of a flat grid the same sides as bottom and top
  std::string source, source_keyword;
  std::vector<std::string> wells;
  std::optional<double> anisotropy;  ///< ky / kx
  std::string permeability_y;        ///< keyword of the permeability's file, or a file
  bool drop_islands = false;
  std::optional<double> anisotropy_z;  ///< kz / kx, of a volume
  std::string permeability_z;          ///< as permeability_y, of a volume
  std::string random_wells;  ///< wells that each sample has of its own, drawn; empty where not given
  bool own_wells = false;    ///< each sample brings such wells, or random ones are drawn
  bool has_own_wells() const { return own_wells || !random_wells.empty(); }
};

/// Name and text of each option that prescribes a side.
inline constexpr std::array<std::pair<const char*, std::string FlowOptions::*>, 6> kSideOptions{
    {{"left", &FlowOptions::left},
     {"right", &FlowOptions::right},
     {"front", &FlowOptions::front},
     {"back", &FlowOptions::back},
     {"bottom", &FlowOptions::bottom},
     {"top", &FlowOptions::top}}};

void add_flow_options(CLI::App& app, FlowOptions& options);
/// --random-wells
void add_random_wells_option(CLI::App& app, FlowOptions& options);
void add_drop_islands_option(CLI::App& app, bool& drop, const std::string& group = "");
/// --anisotropy and --permeability-y, -z alone.
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
  Field permeability_y(const Sample& sample) const { return along_y_.of(sample, !units_.consistent()); }
  /// The same along z, of a volume.
  Field permeability_z(const Sample& sample) const { return along_z_.of(sample, !units_.consistent()); }
  /// The problem's name, or kCustomProblem and a hash of the configuration where options changed it.
  std::string problem_name() const;
  /// Of the permeability, the active cells and the own wells of a sample; islands are dropped where asked for. Checked. Its permeability is multiplied by
  /// conductance() of the units, so that its pressures and rates are in these units. Throws InvalidInput for what does not fit the grid.
  Problem problem(const Sample& sample) const;
  /// The same, and what it decides of the sample: active cells without islands, and the wells of its own.
  Problem settle(Sample& sample) const;
  /// Each sample has wells of its own: those that it brings, else random ones of its seed and number.
  bool has_own_wells() const { return options_.has_own_wells(); }
  const std::string& random_wells() const { return options_.random_wells; }  ///< as the option has them
  const std::optional<RandomWells>& drawn_wells() const { return random_wells_; }
  std::size_t most_own_wells() const { return random_wells_ ? random_wells_->most() : 0; }
  /// ky or kz comes from a file, which only a single solve takes.
  bool has_permeability_file() const { return along_y_.file || along_z_.file; }
  /// The source comes from a file, which may hold one for every sample.
  bool has_source_file() const { return source_file_.has_value(); }
  /// What differs from the named problem, for the configuration; null where nothing does.
  nlohmann::json configuration() const;

 private:
  struct SideOption {
    std::string name;  // which side that is, the grid tells
    BoundaryCondition::Type type;
    std::vector<double> values;
  };
  // Permeability along y or z.
  struct Direction {
    std::optional<double> ratio;      // to that along x
    std::optional<FieldSource> file;  // open for as long as samples are drawn
    std::string what;

    Direction(char axis, const std::optional<double>& anisotropy, const std::string& text,
              const FieldSource& rock);
    Field of(const Sample& sample, bool in_units) const;  // empty where it is that along x
  };

  void set_sides(Problem& problem) const;
  Problem without_own_wells(const Sample& sample) const;  // not checked
  Problem with_own_wells(Problem problem, const std::vector<PlacedWell>& wells) const;
  std::vector<PlacedWell> own_wells_on(const Problem& problem, const Sample& sample) const;
  void name_wells(const Problem& named);
  void check_balance(const Problem& named) const;
  Field for_solver(Field permeability) const;

  FlowOptions options_;
  Units units_;
  std::vector<SideOption> sides_;
  std::vector<WellOption> wells_;
  std::vector<std::string> well_names_;
  std::optional<RandomWells> random_wells_;
  std::optional<double> uniform_source_;
  std::optional<FieldSource> source_file_;  // open for as long as samples are drawn
  Direction along_y_, along_z_;
};

}  // namespace mano
