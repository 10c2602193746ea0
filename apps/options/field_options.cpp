#include "apps/options/field_options.hpp"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "apps/options/command_line.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset.hpp"
#include "datagen/field_file.hpp"
#include "datagen/grdecl_file.hpp"
#include "datagen/inactive_blobs.hpp"
#include "datagen/indicator.hpp"

namespace mano {

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

std::pair<double, double> parse_phases(const std::string& text) {
  const auto phases = parse_two(text, ',', "phases");
  check(phases.first > 0 && phases.second > 0, "phases are '{}'; both must be above zero", text);
  return phases;
}

void add_array_options(CLI::App& app, ArrayOptions& o, const std::string& group) {
  app.add_option(
         "--axes", o.axes,
         "HDF5: the axes as the file holds them, slowest first: n sample, t time, c channel of size 1, "
         "y, x [n,y,x; of MATLAB by the shape]")
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
  app.add_option("--correlation-length", o.correlation_length, "lognormal: one length, or LXxLY [0.1]")
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

// "blobs:0.2"
static double parse_blobs(const std::string& text) {
  const std::string name = "blobs:";
  double fraction = -1.0;
  const char* const end = text.data() + text.size();
  const bool read =
      text.starts_with(name) && std::from_chars(text.data() + name.size(), end, fraction).ptr == end;
  check(read && fraction > 0 && fraction < kMostInactive,
        "--inactive is '{}', expected blobs:F with a part F of the domain above 0 and below {}", text,
        kMostInactive);
  return fraction;
}

struct FieldSource::Impl {
  FieldOptions options;
  std::unique_ptr<ArrayReader> array;      // HDF5
  std::optional<Field> single;             // .vti, GRDECL
  std::shared_ptr<const GrdeclFile> deck;  // held, so that several keywords cost one reading
  Grid domain;                             // of the file, but for its resolution
  std::optional<Location> location;        // where it is known
  std::unique_ptr<FieldSource> mask_file;  // --active, or ACTNUM
  bool mask_in_dataset = false;            // of ours, with /active
  std::optional<UnitSystem> units;         // of a dataset of ours
  std::optional<double> blobs;             // --inactive

  void open_file() {
    const FieldOptions& o = options;
    check_readable(o.permeability);
    if (is_hdf5(o.permeability)) {
      array = std::make_unique<ArrayReader>(o.permeability, o.keyword, kPermeabilityNames, o.arrays);
      check(!o.arrays.time_step || array->has_time() || o.any_sign,
            "--time-step was given, but {} has no time axis: {}", o.permeability, array->description());
      open_domain_of_dataset();
    } else if (o.permeability.ends_with(".vti")) {
      single = read_vti(o.permeability, o.keyword.empty() ? "permeability" : o.keyword);
      domain = single->grid;
    } else {
      GrdeclOptions grdecl;
      if (!o.keyword.empty()) grdecl.keyword = o.keyword;
      if (!o.grid3.empty()) grdecl.grid = parse_grid3(o.grid3);
      grdecl.layer = o.layer;
      grdecl.section = o.section;
      grdecl.include_anywhere = o.include_anywhere;
      deck = GrdeclFile::open(o.permeability, o.include_anywhere);
      single = read_grdecl(o.permeability, grdecl);
      if (!o.any_sign) note_geometry();
    }
    check(array || o.any_sign || (o.arrays.axes.empty() && !o.arrays.time_step),
          "--axes and --time-step are for HDF5, {} is none", o.permeability);
    open_mask();
    if (single) read(0, o.permeability);  // what cannot be used is refused at once
  }

  // Sizes of cells that the file states are not read.
  void note_geometry() const {
    for (const GrdeclSection& section : deck->sections()) {
      for (const char* keyword : {"COORD", "ZCORN", "DX", "DY", "DZ", "DXV", "DYV", "DZV"}) {
        if (section.keyword != keyword) continue;
        say(fmt::format(
            "note: {} of {} is not read: all cells are taken as equal, of the domain that --size gives",
            keyword, options.permeability));
        return;
      }
    }
  }

  // A field of the file, checked.
  Field read(std::uint64_t sample, const std::string& where) const {
    Field field = array ? array->read(sample) : *single;
    if (options.any_sign) return field;
    const CellMask active = mask(sample, field);
    if (!options.phases.empty()) map_phases(field, parse_phases(options.phases), where, active);
    check_coefficient(field, where, active);
    return field;
  }

  void open_mask() {
    const FieldOptions& o = options;
    if (o.any_sign) return;
    FieldOptions file = o;
    file.active.clear();
    file.nan_is_inactive = false;
    file.any_sign = true;
    if (o.active.empty() && mask_in_dataset) {
      file.keyword = "active";
    } else if (o.active.empty()) {
      const bool grdecl = !array && !o.permeability.ends_with(".vti");
      if (!grdecl || !grdecl_has(o.permeability, "ACTNUM", o.include_anywhere)) return;
      file.keyword = "ACTNUM";
    } else if (std::filesystem::exists(o.active)) {
      file.permeability = o.active;
      file.keyword = o.active.ends_with(".vti") || is_hdf5(o.active) ? "active" : "ACTNUM";
    } else {
      file.keyword = o.active;
    }
    if (file.permeability != o.permeability) file.arrays = {};
    mask_file = std::make_unique<FieldSource>(std::move(file));
  }

  // Of a field of the file whose values are known.
  CellMask mask(std::uint64_t sample, const Field& values) const {
    CellMask found;
    if (mask_file) {
      const Grid own = mask_file->grid("");
      check(own.nx == values.grid.nx && own.ny == values.grid.ny,
            "{}: the active cells are on a grid of {}, the permeability on {}",
            mask_file->options().permeability, own.resolution(), values.grid.resolution());
      found = make_cell_mask(
          mask_file->draw(mask_file->samples() > 1 ? sample : 0, own),
          fmt::format("{}, {}", mask_file->options().permeability, mask_file->options().keyword));
    }
    if (options.nan_is_inactive) found = both_active(found, cells_with_numbers(values, options.permeability));
    found.grid = values.grid;
    return found;
  }

  // A dataset of ours knows its domain; arrays of others do not.
  void open_domain_of_dataset() {
    try {
      const DatasetInfo info = DatasetReader(options.permeability).info();
      domain = info.grid;
      location = info.location;
      mask_in_dataset = info.has_inactive;
      if (!info.units.consistent()) units = info.units.system;
    } catch (const InvalidInput&) {
    }
  }
};

FieldSource::FieldSource(FieldOptions options) : impl_(std::make_unique<Impl>()) {
  FieldOptions& o = impl_->options = std::move(options);
  if (!o.permeability.empty()) {
    check(o.field.empty() || o.field == "file", "--field {} and --permeability exclude each other", o.field);
    check(o.inactive.empty(), "--inactive is for random fields; a file says it by --active");
    impl_->open_file();
    return;
  }
  check(o.active.empty() && !o.nan_is_inactive,
        "--active and --nan-is-inactive belong to --permeability FILE; a random field has --inactive");
  check(o.field != "file", "--field file needs --permeability FILE");
  check(!o.field.empty(), "no permeability: pass --field KIND or --permeability FILE");
  o.spec.kind = o.field;
  if (!o.phases.empty()) std::tie(o.spec.low, o.spec.high) = parse_two(o.phases, ',', "phases");
  if (!o.correlation_length.empty()) {
    std::tie(o.spec.correlation_length_x, o.spec.correlation_length_y) =
        parse_two(o.correlation_length, 'x', "correlation length");
  }
  check_field_spec(o.spec);
  if (!o.inactive.empty()) impl_->blobs = parse_blobs(o.inactive);
}

FieldSource::~FieldSource() = default;
FieldSource::FieldSource(FieldSource&&) noexcept = default;

bool FieldSource::from_file() const {
  return !impl_->options.permeability.empty();
}

std::size_t FieldSource::samples() const {
  return impl_->array ? impl_->array->samples() : impl_->single ? 1 : 0;
}

Grid FieldSource::grid(const std::string& resolution) const {
  const FieldOptions& o = impl_->options;
  Grid grid = impl_->domain;
  if (!o.size.empty()) std::tie(grid.lx, grid.ly) = parse_size(o.size);
  if (!resolution.empty()) {
    const Resolution r = parse_resolution(resolution);
    grid.nx = r.nx;
    grid.ny = r.ny;
    if (!from_file()) check_field_spec(o.spec, grid);
    return grid;
  }
  check(from_file(), "no resolution: pass --resolution WxH");
  const Grid own = impl_->array ? impl_->array->grid() : impl_->single->grid;
  grid.nx = own.nx;
  grid.ny = own.ny;
  return grid;
}

Field FieldSource::draw(std::uint64_t sample, const Grid& grid) const {
  const FieldOptions& o = impl_->options;
  if (!from_file()) return draw_field(o.spec, o.seed, sample, grid);
  check(sample < samples(), "{} holds {} field{}, sample {} was asked for", o.permeability, samples(),
        samples() == 1 ? "" : "s", sample);
  Field field = impl_->read(sample, fmt::format("{}, sample {}", o.permeability, sample));
  check(field.grid.nx == grid.nx && field.grid.ny == grid.ny, "{} holds a field of {}, {} was asked for",
        o.permeability, field.grid.resolution(), grid.resolution());
  field.grid = grid;
  return field;
}

CellMask FieldSource::active(std::uint64_t sample, const Grid& grid) const {
  const FieldOptions& o = impl_->options;
  if (impl_->blobs) return draw_inactive_blobs(*impl_->blobs, o.seed, sample, grid);
  if (!has_inactive()) return {};
  CellMask mask = impl_->mask(sample, impl_->array ? impl_->array->read(sample) : *impl_->single);
  mask.grid = grid;
  return mask;
}

void FieldSource::refuse_inactive() const {
  check(!has_inactive(),
        "{} has inactive cells; models take rock without: solve it by mano solve or generate", description());
}

bool FieldSource::has_inactive() const {
  return impl_->blobs || impl_->mask_file || impl_->options.nan_is_inactive;
}

std::optional<UnitSystem> FieldSource::units() const {
  const std::string& file = impl_->options.permeability;
  if (!from_file() || impl_->array || file.ends_with(".vti")) return impl_->units;
  const auto keyword = grdecl_units(file, impl_->options.include_anywhere);
  if (!keyword) return {};
  check(*keyword == "METRIC" || *keyword == "FIELD",
        "{} is in {} units, which mano does not have: convert it to METRIC or FIELD", file, *keyword);
  return *keyword == "METRIC" ? UnitSystem::metric : UnitSystem::field;
}

double FieldSource::memory(const Grid& grid) const {
  return from_file() ? 8.0 * static_cast<double>(grid.cells()) : field_memory(impl_->options.spec, grid);
}

void FieldSource::check_location(Location location) const {
  check(!impl_->location || *impl_->location == location,
        "{}: values sit at the {}, here they must sit at the {}", impl_->options.permeability,
        to_string(impl_->location.value_or(location)), to_string(location));
}

std::string FieldSource::kind() const {
  return from_file() ? "file" : impl_->options.spec.kind;
}

std::string FieldSource::description() const {
  const FieldOptions& o = impl_->options;
  if (!from_file()) return fmt::format("{}, seed {}", o.spec.kind, o.seed);
  return std::filesystem::path(o.permeability).filename().string() +
         (o.keyword.empty() ? "" : ", " + o.keyword);
}

Sample FieldSource::sample(std::uint64_t number, const Grid& grid) const {
  Sample sample;
  sample.permeability = draw(number, grid);
  sample.active = active(number, grid);
  sample.seed = impl_->options.seed;
  sample.number = number;
  return sample;
}

nlohmann::json FieldSource::configuration() const {
  const FieldOptions& o = impl_->options;
  if (from_file()) {
    nlohmann::json j{
        {"field", "file"}, {"permeability", o.permeability}, {"hash", file_hash(o.permeability)}};
    if (!o.keyword.empty()) j["keyword"] = o.keyword;
    if (o.layer) j["layer"] = *o.layer;
    if (o.section) j["section"] = *o.section;
    if (!o.phases.empty()) j["phases"] = o.phases;
    if (const auto more = reading(); !more.is_null()) j.update(more);
    if (impl_->mask_file) {
      const FieldOptions& m = impl_->mask_file->options();
      j["active"] = {{"file", m.permeability}, {"hash", file_hash(m.permeability)}, {"keyword", m.keyword}};
      if (const auto more = impl_->mask_file->reading(); !more.is_null()) j["active"].update(more);
    }
    if (o.nan_is_inactive) j["nan_is_inactive"] = true;
    return j;
  }
  const FieldSpec& s = o.spec;
  nlohmann::json j{{"field", s.kind}, {"seed", o.seed}};
  if (s.kind == "two-phase") j.update({{"phases", {s.low, s.high}}});
  if (s.kind == "lognormal" || s.kind == "layered") j.update({{"mean", s.mean}, {"deviation", s.deviation}});
  if (s.kind == "lognormal") {
    j.update({{"correlation_length", {s.correlation_length_x, s.correlation_length_y}},
              {"smoothness", s.smoothness}});
  }
  if (s.kind == "layered") j["layers"] = s.layers;
  if (s.kind == "channels") {
    j.update({{"channels", s.channels}, {"channel_width", s.channel_width}, {"contrast", s.contrast}});
  }
  if (!o.inactive.empty()) j["inactive"] = o.inactive;
  return j;
}

nlohmann::json FieldSource::reading() const {
  const FieldOptions& o = impl_->options;
  nlohmann::json j;
  if (impl_->deck) {
    const auto& files = impl_->deck->files();
    for (std::size_t f = 1; f < files.size(); ++f)
      j["included"].push_back({{"file", files[f].string()}, {"hash", file_hash(files[f])}});
  }
  if (impl_->array && !o.arrays.axes.empty()) j["axes"] = o.arrays.axes;
  if (impl_->array && o.arrays.time_step) j["time_step"] = *o.arrays.time_step;
  return j;
}

const FieldOptions& FieldSource::options() const {
  return impl_->options;
}

}  // namespace mano
