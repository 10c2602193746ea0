#include "apps/options/field_source.hpp"

#include <algorithm>
#include <filesystem>

#include "apps/options/command_line.hpp"
#include "apps/options/companion_field.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/random_field_options.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/field_file.hpp"
#include "datagen/grdecl.hpp"
#include "datagen/grdecl_file.hpp"
#include "datagen/inactive_blobs.hpp"
#include "datagen/indicator.hpp"

namespace mano {

// "mD" of "permeability [mD]"; "" where there is none.
static std::string unit_in(const std::string& name) {
  const std::size_t at = name.rfind('[');
  return at == std::string::npos || !name.ends_with(']') ? "" : name.substr(at + 1, name.size() - at - 2);
}

struct FieldSource::Impl {
  FieldOptions options;
  std::unique_ptr<ArrayReader> array;      // HDF5
  std::optional<Field> single;             // .vti, GRDECL
  std::shared_ptr<const GrdeclFile> deck;  // held, so that several keywords cost one reading
  std::string array_name;                  // .vti, HDF5: with its unit
  CellMask shown;                          // of a .vti: cells that it does not hide
  Grid domain;                             // of the file, but for its resolution
  bool knows_domain = false;
  std::optional<Location> location;        // where it is known
  std::unique_ptr<FieldSource> mask_file;  // --active, or ACTNUM
  bool mask_in_dataset = false;            // of ours, with /active
  std::optional<Units> units;              // of a dataset of ours, of a .vti
  std::optional<double> blobs;             // --inactive

  void open_file() {
    const FieldOptions& o = options;
    check_readable(o.permeability);
    if (is_hdf5(o.permeability)) {
      array = std::make_unique<ArrayReader>(o.permeability, o.keyword, kPermeabilityNames, o.arrays);
      array_name = o.keyword;
      check(!o.arrays.time_step || array->has_time() || o.any_sign,
            "--time-step was given, but {} has no time axis: {}", o.permeability, array->description());
      open_domain_of_dataset();
    } else if (o.permeability.ends_with(".vti")) {
      open_image();
    } else {
      GrdeclOptions grdecl;
      if (!o.keyword.empty()) grdecl.keyword = o.keyword;
      if (!o.grid3.empty()) grdecl.grid = parse_grid3(o.grid3);
      grdecl.layer = o.layer;
      grdecl.section = o.section;
      grdecl.include_anywhere = o.include_anywhere;
      grdecl.whole = true;
      deck = GrdeclFile::open(o.permeability, o.include_anywhere);
      single = read_grdecl(o.permeability, grdecl);
      if (!o.any_sign) note_what_is_not_read(*deck, o);
    }
    check(deck || o.any_sign || (!o.layer && !o.section && o.grid3.empty()),
          "--layer, --section and --grid are for GRDECL files, {} is none", o.permeability);
    check(array || o.any_sign || (o.arrays.axes.empty() && !o.arrays.time_step),
          "--axes and --time-step are for HDF5, {} is none", o.permeability);
    open_mask();
    if (single) read(0, o.permeability);  // what cannot be used is refused at once
  }

  void open_image() {
    ImageField image =
        read_vti(options.permeability, options.keyword.empty() ? "permeability" : options.keyword);
    single = std::move(image.values);
    array_name = image.name;
    shown = std::move(image.active);
    domain = single->grid;
    knows_domain = true;
    // Both systems have mD; what else the file holds tells them apart.
    for (const std::string& name : image.names) {
      for (const UnitSystem system : {UnitSystem::metric, UnitSystem::field}) {
        const UnitNames n = Units{system}.names();
        for (const char* unit : {n.pressure, n.velocity}) {
          if (unit_in(name) == unit) units = Units{system};
        }
      }
    }
  }

  // A field of the file and its active cells, checked.
  Sample read(std::uint64_t number, const std::string& where) const {
    Sample s;
    s.permeability = array ? array->read(number) : *single;
    if (options.any_sign) return s;
    s.active = mask(number, s.permeability);
    if (!options.phases.empty()) map_phases(s.permeability, parse_phases(options.phases), where, s.active);
    check_coefficient(s.permeability, where, s.active);
    return s;
  }

  std::optional<Grid> place() const { return knows_domain ? std::optional(domain) : std::nullopt; }

  void open_mask() {
    const FieldOptions& o = options;
    if (o.any_sign) return;
    const auto open = [&](FieldSource source) {
      mask_file = std::make_unique<FieldSource>(std::move(source));
    };
    if (!o.active.empty()) {
      open(open_companion(o, o.active, "active", is_grdecl(o.active) ? "ACTNUM" : "active"));
      check_same_place(*mask_file, place(), "active");
    } else if (mask_in_dataset) {
      open(FieldSource(beside(o, o.permeability, "active")));
    } else if (deck && grdecl_has(o.permeability, "ACTNUM", o.include_anywhere)) {
      open(FieldSource(beside(o, o.permeability, "ACTNUM")));
    }
  }

  // Of a field of the file whose values are known.
  CellMask mask(std::uint64_t sample, const Field& values) const {
    CellMask found = shown;
    if (mask_file) {
      const Grid own = mask_file->volume("");
      check(own.same_cells(values.grid), "{}: the active cells are on a grid of {}, the permeability on {}",
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
      const DatasetInfo info = DatasetReader(options.permeability, DatasetKind::any).info();
      domain = info.grid;
      location = info.location;
      mask_in_dataset = info.has_inactive;
      knows_domain = true;
      if (!info.units.consistent()) units = info.units;
    } catch (const InvalidInput&) {
    }
  }
};

FieldSource::FieldSource(FieldOptions options) : impl_(std::make_unique<Impl>()) {
  FieldOptions& o = impl_->options = std::move(options);
  if (!o.permeability.empty()) {
    check(o.field.empty() || o.field == "file", "--field {} and --permeability exclude each other", o.field);
    check(o.inactive.empty(), "--inactive is for random fields; a file says it by --active");
    check_shapes_field(o);
    impl_->open_file();
    return;
  }
  check(o.active.empty() && !o.nan_is_inactive,
        "--active and --nan-is-inactive belong to --permeability FILE; a random field has --inactive");
  check(!o.layer && !o.section && o.grid3.empty(),
        "--layer, --section and --grid belong to --permeability FILE, of a GRDECL file");
  check(o.field != "file", "--field file needs --permeability FILE");
  check(!o.field.empty(), "no permeability: pass --field KIND or --permeability FILE");
  settle_spec(o);
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
  if (!o.size.empty()) parse_size(o.size);
  if (!resolution.empty()) parse_resolution(resolution);
  const Grid grid = volume(resolution);
  check(grid.flat() || !impl_->deck, "{}: a grid of {} needs --layer K (1 to {}) or --section J (1 to {})",
        o.permeability, grid.resolution(), grid.nz, grid.ny);
  check(
      grid.flat(),
      "{} holds a volume of {}; here only flat grids are taken: volumes are for solve, generate and upscale",
      o.permeability, grid.resolution());
  return grid;
}

Grid FieldSource::volume(const std::string& resolution) const {
  const FieldOptions& o = impl_->options;
  Grid grid = impl_->domain;
  check(from_file() || !resolution.empty(), "no resolution: pass --resolution WxH");
  const Grid own = impl_->array ? impl_->array->grid() : impl_->single ? impl_->single->grid : Grid{};
  const Resolution r =
      resolution.empty() ? Resolution{own.nx, own.ny, own.nz} : parse_volume_resolution(resolution);
  grid.nx = r.nx;
  grid.ny = r.ny;
  grid.nz = r.nz;
  if (!o.size.empty()) {
    const auto [lx, ly, lz] = parse_volume_size(o.size);
    const auto lengths = lengths_in(o.size);
    check(lengths == (grid.flat() ? 2 : 3), "size '{}' has {} lengths, but the grid is {}: pass {}", o.size,
          lengths, grid.resolution(), grid.flat() ? "LXxLY" : "LXxLYxLZ");
    grid.lx = lx;
    grid.ly = ly;
    grid.lz = lz;
  }
  if (!from_file()) check_spec_fits(o, grid);
  return grid;
}

Field FieldSource::draw(std::uint64_t number, const Grid& grid) const {
  return sample(number, grid).permeability;
}

bool FieldSource::has_inactive() const {
  return impl_->blobs || impl_->mask_file || impl_->options.nan_is_inactive || !impl_->shown.all();
}

std::optional<Units> FieldSource::units() const {
  const std::string& file = impl_->options.permeability;
  if (!impl_->deck) return impl_->units;
  const auto keyword = grdecl_units(file, impl_->options.include_anywhere);
  if (!keyword) return {};
  check(*keyword == "METRIC" || *keyword == "FIELD",
        "{} is in {} units, which mano does not have: convert it to METRIC or FIELD", file, *keyword);
  return Units{*keyword == "METRIC" ? UnitSystem::metric : UnitSystem::field};
}

std::string FieldSource::unit() const {
  return unit_in(impl_->array_name);
}

std::optional<Grid> FieldSource::place() const {
  return impl_->place();
}

double FieldSource::memory(const Grid& grid) const {
  return from_file() ? 8.0 * static_cast<double>(grid.cells()) : field_memory(impl_->options.spec, grid);
}

void FieldSource::check_samples(std::size_t first, std::size_t count) const {
  check(!from_file() || first + count <= samples(), "{}: samples {} to {} are asked for, it holds {}",
        description(), first, first + count - 1, samples());
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
  const FieldOptions& o = impl_->options;
  Sample sample;
  if (!from_file()) {
    sample.permeability = draw_field(o.spec, o.seed, number, grid);
    if (impl_->blobs) sample.active = draw_inactive_blobs(*impl_->blobs, o.seed, number, grid);
  } else {
    check(number < samples(), "{} holds {} field{}, sample {} was asked for", o.permeability, samples(),
          samples() == 1 ? "" : "s", number);
    sample = impl_->read(number, fmt::format("{}, sample {}", o.permeability, number));
    const Grid& own = sample.permeability.grid;
    check(own.same_cells(grid), "{} holds a field of {}, {} was asked for", o.permeability, own.resolution(),
          grid.resolution());
    sample.permeability.grid = sample.active.grid = grid;
  }
  sample.seed = o.seed;
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
  return configuration_of_random_field(o);
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
