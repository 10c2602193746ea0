#pragma once
// The options that say which permeability: --field with its parameters, or --permeability with its reader's.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "datagen/array_axes.hpp"
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

/// A file that is taken as GRDECL: neither HDF5 nor .vti; false where there is no name.
bool is_grdecl(const std::string& file);

/// "3,12" -> {3, 12}; with separator x one number stands for both. Throws InvalidInput naming `name`.
std::pair<double, double> parse_two(const std::string& text, char separator, const char* name);

/// A number and nothing else; empty where it is none.
std::optional<double> parse_number(std::string_view text);

/// --phases as two permeabilities. Throws InvalidInput.
std::pair<double, double> parse_phases(const std::string& text);

/// --axes and --time-step; in `group` of the help, where it is not empty.
void add_array_options(CLI::App& app, ArrayOptions& options, const std::string& group = "");
void add_field_options(CLI::App& app, FieldOptions& options);
/// What shapes a random field, but its kind and seed; and --size.
void add_random_field_options(CLI::App& app, FieldOptions& options, const std::string& group);

}  // namespace mano
