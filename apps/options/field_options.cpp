#include "apps/options/field_options.hpp"

#include "apps/pictures/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset.hpp"
#include "datagen/field_file.hpp"

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

void add_random_field_options(CLI::App& app, FieldOptions& o, const std::string& random) {
  app.add_option("--phases", o.phases, "two-phase: the two permeabilities [3,12]")
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
  const std::string file = "Field from a file";
  app.add_option("--permeability", o.permeability, "HDF5, .vti or Eclipse GRDECL file")
      ->type_name("FILE")
      ->group(file);
  app.add_option("--keyword", o.keyword, "GRDECL keyword, HDF5 dataset or VTK array [PERMX / permeability]")
      ->group(file);
  app.add_option("--grid", o.grid3, "GRDECL without SPECGRID or DIMENS: its size")
      ->type_name("NXxNYxNZ")
      ->group(file);
  app.add_option("--layer", o.layer, "GRDECL: horizontal layer, from 1")->group(file);
  app.add_option("--section", o.section, "GRDECL: vertical section, from 1; depth down as y")->group(file);
}

struct FieldSource::Impl {
  FieldOptions options;
  std::unique_ptr<ArrayReader> array;  // HDF5
  std::optional<Field> single;         // .vti, GRDECL
  std::pair<double, double> file_size{1.0, 1.0};
  std::optional<Location> location;  // where it is known

  void open_file() {
    const FieldOptions& o = options;
    check_readable(o.permeability);
    if (is_hdf5(o.permeability)) {
      array = std::make_unique<ArrayReader>(o.permeability, o.keyword, kPermeabilityNames);
      open_domain_of_dataset();
    } else if (o.permeability.ends_with(".vti")) {
      single = read_vti(o.permeability, o.keyword.empty() ? "permeability" : o.keyword);
      file_size = {single->grid.lx, single->grid.ly};
    } else {
      GrdeclOptions grdecl;
      if (!o.keyword.empty()) grdecl.keyword = o.keyword;
      if (!o.grid3.empty()) grdecl.grid = parse_grid3(o.grid3);
      grdecl.layer = o.layer;
      grdecl.section = o.section;
      single = read_grdecl(o.permeability, grdecl);
    }
    if (single && !o.any_sign) check_permeability(*single, o.permeability);
  }

  // A dataset of ours knows its domain; arrays of others do not.
  void open_domain_of_dataset() {
    try {
      const DatasetInfo info = DatasetReader(options.permeability).info();
      file_size = {info.grid.lx, info.grid.ly};
      location = info.location;
    } catch (const InvalidInput&) {
    }
  }
};

FieldSource::FieldSource(FieldOptions options) : impl_(std::make_unique<Impl>()) {
  FieldOptions& o = impl_->options = std::move(options);
  if (!o.permeability.empty()) {
    check(o.field.empty() || o.field == "file", "--field {} and --permeability exclude each other", o.field);
    impl_->open_file();
    return;
  }
  check(o.field != "file", "--field file needs --permeability FILE");
  check(!o.field.empty(), "no permeability: pass --field KIND or --permeability FILE");
  o.spec.kind = o.field;
  if (!o.phases.empty()) std::tie(o.spec.low, o.spec.high) = parse_two(o.phases, ',', "phases");
  if (!o.correlation_length.empty()) {
    std::tie(o.spec.correlation_length_x, o.spec.correlation_length_y) =
        parse_two(o.correlation_length, 'x', "correlation length");
  }
  check_field_spec(o.spec);
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
  const auto [lx, ly] = o.size.empty() ? impl_->file_size : parse_size(o.size);
  if (!resolution.empty()) {
    const Resolution r = parse_resolution(resolution);
    const Grid grid{r.nx, r.ny, lx, ly};
    if (!from_file()) check_field_spec(o.spec, grid);
    return grid;
  }
  check(from_file(), "no resolution: pass --resolution WxH");
  const Grid own = impl_->array ? impl_->array->grid() : impl_->single->grid;
  return {own.nx, own.ny, lx, ly};
}

Field FieldSource::draw(std::uint64_t sample, const Grid& grid) const {
  const FieldOptions& o = impl_->options;
  if (!from_file()) return draw_field(o.spec, o.seed, sample, grid);
  check(sample < samples(), "{} holds {} field{}, sample {} was asked for", o.permeability, samples(),
        samples() == 1 ? "" : "s", sample);
  Field field = impl_->array ? impl_->array->read(sample) : *impl_->single;
  check(field.grid.nx == grid.nx && field.grid.ny == grid.ny, "{} holds a field of {}, {} was asked for",
        o.permeability, field.grid.resolution(), grid.resolution());
  field.grid = grid;
  if (!o.any_sign) check_permeability(field, fmt::format("{}, sample {}", o.permeability, sample));
  return field;
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
  return j;
}

const FieldOptions& FieldSource::options() const {
  return impl_->options;
}

}  // namespace mano
