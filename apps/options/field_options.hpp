#pragma once
// The options that say which permeability: --field with its parameters, or --permeability with its reader's.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/units.hpp"
#include "datagen/array_axes.hpp"
#include "datagen/dataset.hpp"
#include "datagen/grdecl.hpp"
#include "datagen/random_field.hpp"

namespace mano {

struct FieldOptions {
  FieldSpec spec;
  std::string field;  ///< empty where not given
  std::uint64_t seed = 0;
  std::string phases, correlation_length, size;

  std::string permeability;  ///< a file
  std::string keyword;
  std::string grid3;
  bool include_anywhere = false;  ///< of GRDECL
  ArrayOptions arrays;            ///< of HDF5
  std::optional<int> layer, section;
  std::optional<std::uint64_t> sample;
  bool any_sign = false;  ///< of the values in the file: it holds no permeability

  std::string active;            ///< keyword of the permeability's file, or a file
  bool nan_is_inactive = false;  ///< of the permeability
  std::string inactive;          ///< of random fields: blobs:FRACTION
};

/// "3,12" -> {3, 12}; with separator x one number stands for both. Throws InvalidInput naming `name`.
std::pair<double, double> parse_two(const std::string& text, char separator, const char* name);

/// --phases as two permeabilities. Throws InvalidInput.
std::pair<double, double> parse_phases(const std::string& text);

/// --axes and --time-step; in `group` of the help, where it is not empty.
void add_array_options(CLI::App& app, ArrayOptions& options, const std::string& group = "");
void add_field_options(CLI::App& app, FieldOptions& options);
/// What shapes a random field, but its kind and seed; and --size.
void add_random_field_options(CLI::App& app, FieldOptions& options, const std::string& group);

/// Permeability by sample number and grid, from whichever options were given.
class FieldSource {
 public:
  /// Reads and checks the file, if one was named. Throws InvalidInput.
  explicit FieldSource(FieldOptions options);
  ~FieldSource();
  FieldSource(FieldSource&&) noexcept;

  bool from_file() const;
  /// Samples that the file holds; 0 for random fields, which have no end.
  std::size_t samples() const;
  /// Grid of the given resolution ("" takes the file's own) and the domain of --size (default 1x1).
  Grid grid(const std::string& resolution) const;
  /// Throws InvalidInput where a file holds another resolution than the grid.
  Field draw(std::uint64_t sample, const Grid& grid) const;
  /// Which cells take part: --active, ACTNUM of a GRDECL file, --nan-is-inactive, --inactive; without values where all do.
  CellMask active(std::uint64_t sample, const Grid& grid) const;
  bool has_inactive() const;  ///< some sample may have
  /// For those who take all cells as active. Throws InvalidInput where some may not be.
  void refuse_inactive() const;
  /// Both as a sample without a pressure.
  Sample sample(std::uint64_t number, const Grid& grid) const;
  /// That the file states: METRIC or FIELD of GRDECL, a dataset's own; empty where none. Throws InvalidInput for GRDECL's LAB.
  std::optional<UnitSystem> units() const;
  /// Bytes that drawing a field takes.
  double memory(const Grid& grid) const;
  /// Throws InvalidInput where a dataset's values sit elsewhere.
  void check_location(Location location) const;
  std::string kind() const;              ///< "two-phase", ..., "file"
  std::string description() const;       ///< for people: "two-phase, seed 1", or the file's name
  nlohmann::json configuration() const;  ///< everything that the field depends on
  /// Of a file, what its hash and keyword leave open: included files (by hash), axes, time step. Null where there is none.
  nlohmann::json reading() const;
  const FieldOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
