#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset_impl.hpp"
#include "datagen/units_json.hpp"

namespace mano {

namespace {

// Runs `read`; what HDF5 fails at while it does is damage to the file `path`.
template <typename Read>
auto read_of(const std::string& path, Read read) {
  try {
    return read();
  } catch (const RunFailed& e) {
    throw InvalidInput(fmt::format("{}: the file is damaged ({})", path, e.what()));
  }
}

std::vector<double> read_vector(hid_t file, const char* name, std::size_t size, const std::string& path) {
  check(h5_exists(file, name), "{}: dataset /{} is missing", path, name);
  const H5Handle dataset = h5_own(H5Dopen2(file, name, H5P_DEFAULT), name);
  const auto shape = h5_shape(dataset);
  check(shape == std::vector<hsize_t>{size}, "{}: /{} has shape {}, expected [{}]", path, name,
        h5_shape_text(shape), size);
  std::vector<double> values(size);
  check(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0,
        "{}: /{} cannot be read: the file is damaged", path, name);
  return values;
}

H5Handle open_field(hid_t file, const char* name, const std::string& path, std::size_t axes = 3) {
  check(h5_exists(file, name), "{}: dataset /{} is missing", path, name);
  H5Handle dataset(H5Dopen2(file, name, H5P_DEFAULT));
  check(dataset >= 0, "{}: /{} cannot be opened: the file is damaged", path, name);
  h5_check_filters(dataset, fmt::format("{}: /{}", path, name));
  const auto shape = h5_shape(dataset);
  check(shape.size() == axes, "{}: /{} has shape {}, expected {}", path, name, h5_shape_text(shape),
        axes == 3 ? "[samples, ny, nx]" : "four axes");
  check(std::all_of(shape.begin(), shape.end(), [](hsize_t n) { return n > 0; }),
        "{}: /{} is empty, shape {}", path, name, h5_shape_text(shape));
  return dataset;
}

nlohmann::json read_attributes(hid_t file, const std::string& path) {
  const std::string text = h5_read_fixed_text(file, kInfoAttribute);
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  check(json.is_object() && json.value("schema", "") == kDatasetSchema,
        "{} is not a mano dataset; if it holds arrays of others, run 'mano import' first", path);
  const int version = json.value("schema_version", 0);
  check(version >= kDatasetSchemaVersion && version <= kWellsSchemaVersion,
        "{}: dataset schema version {}, this program reads versions {} to {}", path, version,
        kDatasetSchemaVersion, kWellsSchemaVersion);
  return json;
}

bool is_volume(const nlohmann::json& attributes) {
  return attributes.contains("depth");
}

DatasetInfo read_info(const nlohmann::json& json, hid_t permeability, const std::string& path) {
  DatasetInfo info;
  const auto shape = h5_shape(permeability);
  info.samples = shape[0];
  const bool volume = is_volume(json);
  info.grid.nx = static_cast<int>(shape[volume ? 3 : 2]);
  info.grid.ny = static_cast<int>(shape[volume ? 2 : 1]);
  if (volume) info.grid.nz = static_cast<int>(shape[1]);
  try {
    info.grid.lx = json.at("size").at(0);
    info.grid.ly = json.at("size").at(1);
    info.location = parse_location(json.at("location"));
    info.problem_name = json.at("setup");
    info.field = json.at("field");
    info.configuration = json.at("configuration");
    info.version = json.at("program_version");
    info.tolerance = json.at("tolerance");
    info.has_inactive = json.value("inactive", false);
    if (json.contains("units")) info.units = units_from_json(json.at("units"));
    if (json.contains("times")) {
      info.times = json.at("times").get<std::vector<double>>();
      info.displacement = json.at("displacement");
    }
    info.most_wells = json.value("most_wells", std::size_t{0});
    if (json.contains("origin")) {
      info.grid.x0 = json.at("origin").at(0);
      info.grid.y0 = json.at("origin").at(1);
    }
    if (volume) {
      info.grid.z0 = json.at("depth").at(0);
      info.grid.lz = json.at("depth").at(1);
    }
  } catch (const nlohmann::json::exception& e) {
    throw InvalidInput(fmt::format("{}: attribute {}: {}", path, kInfoAttribute, e.what()));
  }
  check(std::isfinite(info.grid.lx) && std::isfinite(info.grid.ly) && info.grid.lx > 0 && info.grid.ly > 0,
        "{}: domain size is {}x{}, expected above zero", path, info.grid.lx, info.grid.ly);
  check(std::isfinite(info.grid.x0) && std::isfinite(info.grid.y0), "{}: origin is ({}, {})", path,
        info.grid.x0, info.grid.y0);
  check(std::isfinite(info.grid.z0) && std::isfinite(info.grid.lz) && info.grid.lz > 0,
        "{}: depth is {}, thickness {}, expected finite and above zero", path, info.grid.z0, info.grid.lz);
  check(!volume || info.times.empty(), "{}: a volume with times is not understood", path);
  const H5Handle type = h5_own(H5Dget_type(permeability), "type");
  info.single_precision = H5Tget_size(type) == 4;
  return info;
}

}  // namespace

void DatasetReader::Impl::open(const std::string& name, DatasetKind kind) {
  file = h5_open(path);
  const nlohmann::json attributes = read_attributes(file, name);
  const std::size_t axes = is_volume(attributes) ? 4 : 3;
  permeability = open_field(file, "permeability", name, axes);
  info = read_info(attributes, permeability, name);
  check(info.grid.flat() || kind == DatasetKind::any,
        "{} holds volumes of {}; here only flat grids are taken", name, info.grid.resolution());
  check(kind != DatasetKind::steady || info.times.empty(),
        "{} holds a displacement in time (problem {}, {} times), where steady pressures are expected", name,
        info.problem_name, info.times.size());
  check(kind != DatasetKind::displacement || !info.times.empty(),
        "{} holds steady pressures (problem {}), where a displacement in time is expected", name,
        info.problem_name);
  const auto shape_k = h5_shape(permeability);
  if (info.times.empty()) {
    pressure = open_field(file, "pressure", name, axes);
    const auto shape_p = h5_shape(pressure);
    check(shape_k == shape_p, "{}: /permeability has shape {}, /pressure {}", name, h5_shape_text(shape_k),
          h5_shape_text(shape_p));
  } else {
    open_history(name);
  }
  if (info.has_inactive) {
    active = open_field(file, "active", name, axes);
    const auto shape = h5_shape(active);
    check(shape == shape_k, "{}: /permeability has shape {}, /active {}", name, h5_shape_text(shape_k),
          h5_shape_text(shape));
  }
  if (info.most_wells > 0) open_wells(name);
  read_vector(file, "x-coordinate", shape_k[axes - 1], name);
  read_vector(file, "y-coordinate", shape_k[axes - 2], name);
  if (axes == 4) read_vector(file, "z-coordinate", shape_k[1], name);
}

void DatasetReader::Impl::open_history(const std::string& name) {
  const auto shape_k = h5_shape(permeability);
  const std::vector<hsize_t> expected{shape_k[0], info.times.size(), shape_k[1], shape_k[2]};
  for (auto [what, dataset] : {std::pair{"saturation", &saturation}, {"pressure", &pressure}}) {
    *dataset = open_field(file, what, name, 4);
    const auto shape = h5_shape(*dataset);
    check(shape == expected, "{}: /{} has shape {}, /permeability {}, and there are {} times", name, what,
          h5_shape_text(shape), h5_shape_text(shape_k), info.times.size());
  }
  check(read_vector(file, "time", info.times.size(), name) == info.times,
        "{}: /time and the attribute {} differ", name, kInfoAttribute);
}

void DatasetReader::Impl::open_wells(const std::string& name) {
  wells = open_field(file, "wells", name);
  const std::vector<hsize_t> expected{info.samples, info.most_wells, kWellNumbers};
  const auto shape = h5_shape(wells);
  check(shape == expected, "{}: /wells has shape {}, expected {}", name, h5_shape_text(shape),
        h5_shape_text(expected));
}

DatasetReader::DatasetReader(const std::filesystem::path& path, DatasetKind kind)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  read_of(path.string(), [&] { impl_->open(path.string(), kind); });
}

DatasetReader::~DatasetReader() = default;
DatasetReader::DatasetReader(DatasetReader&&) noexcept = default;
DatasetReader& DatasetReader::operator=(DatasetReader&&) noexcept = default;

const DatasetInfo& DatasetReader::info() const {
  return impl_->info;
}
std::optional<std::string> DatasetReader::predicted_by() const {
  const auto made = nlohmann::json::parse(info().configuration, nullptr, false);
  if (!made.is_object() || !made.contains("predicted_by")) return {};
  return made.value("predicted_by", "");
}

void DatasetReader::refuse_predicted() const {
  const auto model = predicted_by();
  check(!model,
        "{} holds predictions of the model {}, no solutions; solved data are needed: `mano generate` makes "
        "them",
        path().string(), model.value_or(""));
}
const std::filesystem::path& DatasetReader::path() const {
  return impl_->path;
}

void refuse_inactive(bool has_inactive, const std::string& where) {
  check(!has_inactive, "{} has inactive cells; models take rock without: solve it by mano solve or generate",
        where);
}

Sample DatasetReader::read(std::size_t index) const {
  return read_of(impl_->path.string(), [&] { return impl_->read(index); });
}

Sample DatasetReader::read_numbers(std::size_t index) const {
  return read_of(impl_->path.string(), [&] { return impl_->read_numbers(index); });
}

}  // namespace mano
