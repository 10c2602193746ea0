#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
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

// The slab of one sample.
H5Handle select_sample(hid_t dataset, std::size_t index) {
  H5Handle space = h5_own(H5Dget_space(dataset), "select a sample");
  const auto shape = h5_shape(dataset);
  std::vector<hsize_t> start(shape.size(), 0);
  std::vector<hsize_t> count = shape;
  start[0] = index;
  count[0] = 1;
  h5_check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
           "select a sample");
  return space;
}

template <typename T>
T read_entry(hid_t file, const char* name, hid_t type, std::size_t index, const std::string& path) {
  T value{};
  if (!h5_exists(file, name)) return value;
  const H5Handle dataset = h5_own(H5Dopen2(file, name, H5P_DEFAULT), name);
  const H5Handle space = h5_own(H5Dget_space(dataset), name);
  const hsize_t start = index;
  const hsize_t count = 1;
  const H5Handle memory = h5_own(H5Screate_simple(1, &count, nullptr), name);
  const bool read = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr) >= 0 &&
                    H5Dread(dataset, type, memory, space, H5P_DEFAULT, &value) >= 0;
  check(read, "{}: /{} cannot be read for sample {}: the file is damaged", path, name, index);
  return value;
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

// Row `index` of an array [N, size].
std::vector<double> read_row(hid_t file, const char* name, std::size_t size, std::size_t index,
                             const std::string& path) {
  check(h5_exists(file, name), "{}: dataset /{} is missing", path, name);
  const H5Handle dataset = h5_own(H5Dopen2(file, name, H5P_DEFAULT), name);
  const auto shape = h5_shape(dataset);
  check(shape.size() == 2 && shape[1] == size && index < shape[0],
        "{}: /{} has shape {}, expected [samples, {}]", path, name, h5_shape_text(shape), size);
  const H5Handle space = select_sample(dataset, index);
  const hsize_t count = size;
  const H5Handle memory = h5_own(H5Screate_simple(1, &count, nullptr), name);
  std::vector<double> values(size);
  check(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()) >= 0,
        "{}: /{} cannot be read for sample {}: the file is damaged", path, name, index);
  for (double value : values)
    check(std::isfinite(value), "{}: /{} of sample {} holds {}", path, name, index, value);
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

int layers_in_chunk(const Grid& grid) {
  constexpr std::size_t kMost = std::size_t{4} << 20;
  return static_cast<int>(std::clamp<std::size_t>(kMost / (sizeof(double) * grid.layer()), 1, grid.nz));
}

H5Handle solver_type() {
  H5Handle type = h5_own(H5Tcopy(H5T_C_S1), "text");
  h5_check(H5Tset_size(type, kSolverNameSize), "text");
  h5_check(H5Tset_strpad(type, H5T_STR_NULLPAD), "text");
  return type;
}

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
void DatasetReader::refuse_predicted() const {
  const auto made = nlohmann::json::parse(info().configuration, nullptr, false);
  check(!made.is_object() || !made.contains("predicted_by"),
        "{} holds predictions of the model {}, no solutions; solved data are needed: `mano generate` makes "
        "them",
        path().string(), made.value("predicted_by", ""));
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

// Chunks that were never written would be read as zeros.
void DatasetReader::Impl::check_written(hid_t dataset, const char* name, std::size_t index) const {
  const hsize_t layers = info.grid.flat() ? 1 : h5_shape(dataset)[1];
  const hsize_t step = info.grid.flat() ? 1 : h5_chunk_shape(dataset)[1];
  for (hsize_t layer = 0; layer < layers; layer += step) {
    const std::array<hsize_t, 4> offset{index, layer, 0, 0};  // of as many axes as there are
    hsize_t stored = 0;
    check(H5Dget_chunk_storage_size(dataset, offset.data(), &stored) < 0 || stored > 0,
          "{}: /{} of sample {} was never written", path.string(), name, index);
  }
}

Field DatasetReader::Impl::read_field(hid_t dataset, const char* name, std::size_t index) const {
  const std::string path = this->path.string();
  Field field(info.grid);
  const hsize_t size = field.grid.cells();
  const H5Handle memory = h5_own(H5Screate_simple(1, &size, nullptr), "memory space");
  const H5Handle space = select_sample(dataset, index);
  check_written(dataset, name, index);
  check(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, field.values.data()) >= 0,
        "{}: /{} of sample {} cannot be read: the file is damaged", path, name, index);
  return field;
}

CellMask DatasetReader::Impl::read_active(std::size_t index) const {
  if (!info.has_inactive) return {};
  return make_cell_mask(read_field(active, "active", index),
                        fmt::format("{}: /active of sample {}", path.string(), index));
}

std::vector<PlacedWell> DatasetReader::Impl::read_wells(std::size_t index) const {
  if (info.most_wells == 0) return {};
  const std::string where = fmt::format("{}: /wells of sample {}", path.string(), index);
  std::vector<double> values(info.most_wells * kWellNumbers);
  const hsize_t size = values.size();
  const H5Handle memory = h5_own(H5Screate_simple(1, &size, nullptr), "memory space");
  const H5Handle space = select_sample(wells, index);
  check(H5Dread(wells, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()) >= 0,
        "{} cannot be read: the file is damaged", where);
  std::vector<PlacedWell> list;
  for (std::size_t w = 0; w < info.most_wells; ++w) {
    PlacedWell::Numbers row;
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(w * kWellNumbers), kWellNumbers, row.begin());
    if (std::ranges::all_of(row, [](double x) { return std::isnan(x); })) break;
    const PlacedWell well = PlacedWell::of(row);
    const double drive = well.has_rate() ? well.rate : well.pressure;
    check(std::isfinite(well.x) && std::isfinite(well.y) && std::isfinite(drive) &&
              std::isfinite(well.radius) && well.has_rate() == std::isnan(well.pressure) && well.radius >= 0,
          "{}: well {} is at ({}, {}), rate {}, pressure {}, radius {}", where, w + 1, well.x, well.y,
          well.rate, well.pressure, well.radius);
    list.push_back(well);
  }
  return list;
}

Sample DatasetReader::Impl::read(std::size_t index) const {
  const std::string path = this->path.string();
  check(index < info.samples, "{} holds {} samples, sample {} was asked for", path, info.samples, index);
  Sample sample = read_numbers(index);
  sample.active = read_active(index);
  sample.wells = read_wells(index);
  const auto finite = [&](hid_t dataset, const char* name) {
    Field field = read_field(dataset, name, index);
    for (std::size_t c = 0; c < field.values.size(); ++c) {
      check(std::isfinite(field.values[c]) || !sample.active[c], "{}: /{} of sample {} holds {}", path, name,
            index, field.values[c]);
    }
    return field;
  };
  sample.permeability = finite(permeability, "permeability");
  if (info.times.empty()) {
    sample.pressure = with_inactive(finite(pressure, "pressure"), sample.active, 0.0);
  } else {
    sample.history = read_history(sample, index);
  }
  check_permeability(sample.permeability, fmt::format("{}, sample {}", path, index), sample.active);
  return sample;
}

std::vector<Field> DatasetReader::Impl::read_fields(hid_t dataset, const char* name, const Sample& sample,
                                                    std::size_t index) const {
  const std::string path = this->path.string();
  const std::size_t cells = info.grid.cells();
  std::vector<double> values(cells * info.times.size());
  const hsize_t size = values.size();
  const H5Handle memory = h5_own(H5Screate_simple(1, &size, nullptr), "memory space");
  const H5Handle space = select_sample(dataset, index);
  check_written(dataset, name, index);
  check(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()) >= 0,
        "{}: /{} of sample {} cannot be read: the file is damaged", path, name, index);
  std::vector<Field> fields(info.times.size(), Field(info.grid));
  for (std::size_t t = 0; t < fields.size(); ++t) {
    for (std::size_t c = 0; c < cells; ++c) {
      const double value = values[t * cells + c];
      check(std::isfinite(value) || !sample.active[c], "{}: /{} of sample {} holds {}", path, name, index,
            value);
      fields[t].values[c] = sample.active[c] ? value : 0.0;
    }
  }
  return fields;
}

History DatasetReader::Impl::read_history(const Sample& sample, std::size_t index) const {
  History h = read_curves(index);
  h.saturation = read_fields(saturation, "saturation", sample, index);
  h.pressure = read_fields(pressure, "pressure", sample, index);
  return h;
}

History DatasetReader::Impl::read_curves(std::size_t index) const {
  History h;
  const std::string path = this->path.string();
  for (auto [name, values] :
       {std::pair{"water_cut", &h.water_cut}, {"recovery", &h.recovery}, {"elapsed_time", &h.elapsed_time}})
    *values = read_row(file, name, info.times.size(), index, path);
  h.breakthrough = read_entry<double>(file, "breakthrough", H5T_NATIVE_DOUBLE, index, path);
  return h;
}

Sample DatasetReader::Impl::read_numbers(std::size_t index) const {
  const std::string path = this->path.string();
  check(index < info.samples, "{} holds {} samples, sample {} was asked for", path, info.samples, index);
  Sample sample;
  sample.seed = read_entry<std::uint64_t>(file, "seed", H5T_NATIVE_UINT64, index, path);
  sample.number = read_entry<std::uint64_t>(file, "sample", H5T_NATIVE_UINT64, index, path);
  sample.iterations = read_entry<int>(file, "iterations", H5T_NATIVE_INT, index, path);
  sample.residual = read_entry<double>(file, "residual", H5T_NATIVE_DOUBLE, index, path);
  const auto solver =
      read_entry<std::array<char, kSolverNameSize>>(file, "solver", solver_type(), index, path);
  sample.solver.assign(solver.begin(), std::find(solver.begin(), solver.end(), '\0'));
  return sample;
}

std::uint64_t text_hash(const std::string& text) {
  return XXH3_64bits(text.data(), text.size());
}

std::string file_hash(const std::filesystem::path& path) {
  check_readable(path);
  std::ifstream in(path, std::ios::binary);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(1 << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(in.gcount()));
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace mano
