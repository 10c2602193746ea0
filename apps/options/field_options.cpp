#include "apps/options/field_options.hpp"

#include <charconv>

#include "core/error.hpp"
#include "datagen/field_file.hpp"

namespace mano {

bool is_grdecl(const std::string& file) {
  return !file.empty() && !file.ends_with(".vti") && !is_hdf5(file);
}

std::pair<double, double> parse_two(const std::string& text, char separator, const char* name) {
  try {
    std::size_t used = 0;
    const double first = std::stod(text, &used);
    if (used == text.size() && separator == 'x') return {first, first};
    if (text[used] == separator) {
      const std::string rest = text.substr(used + 1);
      const double second = std::stod(rest, &used);
      if (used == rest.size()) return {first, second};
    }
  } catch (const std::logic_error&) {
  }
  throw InvalidInput(fmt::format("{} is '{}', expected two numbers such as 3{}12", name, text, separator));
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::pair<double, double> parse_phases(const std::string& text) {
  const auto phases = parse_two(text, ',', "phases");
  check(phases.first > 0 && phases.second > 0, "phases are '{}'; both must be above zero", text);
  return phases;
}

void add_array_options(CLI::App& app, ArrayOptions& o, const std::string& group) {
  app.add_option(
         "--axes", o.axes,
         "HDF5: the axes as the file holds them, slowest first: n sample, t time, c channel of size 1, "
         "z layer of a volume, y, x [n,y,x; of MATLAB by the shape]")
      ->type_name("x,y,n")
      ->group(group);
  app.add_option("--time-step", o.time_step, "HDF5 with a time axis: which step, from 0")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
}

void add_random_field_options(CLI::App& app, FieldOptions& o, const std::string& random) {
  app.add_option("--phases", o.phases,
                 "two-phase: the two permeabilities [3,12]; of a file of 0 and 1: what they stand for")
      ->type_name("LOW,HIGH")
      ->group(random);
  app.add_option("--mean", o.spec.mean, "lognormal, layered: mean of log k [0]")->group(random);
  app.add_option("--deviation", o.spec.deviation, "lognormal, layered: standard deviation of log k [1]")
      ->group(random);
  app.add_option("--correlation-length", o.correlation_length,
                 "lognormal: one length, LXxLY, or LXxLYxLZ of a volume [0.1]; two-phase: one [1/3]; in "
                 "units of the domain")
      ->group(random);
  app.add_option("--smoothness", o.spec.smoothness, "lognormal: Matern's nu [0.5]")->group(random);
  app.add_option("--layers", o.spec.layers, "layered: number of layers [8]")->group(random);
  app.add_option("--channels", o.spec.channels, "channels: how many [4]")->group(random);
  app.add_option("--channel-width", o.spec.channel_width, "channels: width over the domain's height [0.08]")
      ->group(random);
  app.add_option("--contrast", o.spec.contrast, "channels: permeability over that of the matrix [100]")
      ->group(random);
  app.add_option("--size", o.size, "Size of the domain [1x1]")->type_name("LXxLY");
}

void add_field_options(CLI::App& app, FieldOptions& o) {
  const std::string random = "Random field";
  app.add_option("--field", o.field, "two-phase, lognormal, layered, channels or file")->group(random);
  app.add_option("--seed", o.seed, "Seed of the random fields [0]")
      ->check(CLI::NonNegativeNumber)
      ->group(random);
  add_random_field_options(app, o, random);
  app.add_option(
         "--inactive", o.inactive,
         "Inactive cells: blobs:F, round ones that take the part F of the domain, keyed by seed and sample")
      ->type_name("blobs:F")
      ->group(random);
  const std::string file = "Field from a file";
  app.add_option("--permeability", o.permeability, "HDF5, .vti or Eclipse GRDECL file")
      ->type_name("FILE")
      ->group(file);
  app.add_option("--keyword", o.keyword, "GRDECL keyword, HDF5 dataset or VTK array [PERMX / permeability]")
      ->group(file);
  app.add_option("--active", o.active,
                 "Which cells are active (1) or inactive (0): a keyword of the permeability's file, or a "
                 "file [ACTNUM of "
                 "a GRDECL file that has one]")
      ->type_name("KEYWORD|FILE")
      ->group(file);
  app.add_flag("--nan-is-inactive", o.nan_is_inactive,
               "Cells whose permeability is not a number are inactive")
      ->group(file);
  add_array_options(app, o.arrays, file);
  app.add_flag("--include-anywhere", o.include_anywhere,
               "GRDECL: follow INCLUDE out of the file's folder, too")
      ->group(file);
  app.add_option("--grid", o.grid3, "GRDECL without SPECGRID or DIMENS: its size")
      ->type_name("NXxNYxNZ")
      ->group(file);
  app.add_option("--layer", o.layer, "GRDECL: horizontal layer, from 1")->group(file);
  app.add_option("--section", o.section, "GRDECL: vertical section, from 1; depth down as y")->group(file);
}

}  // namespace mano
