#include "datagen/dataset_layout.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "datagen/dataset_impl.hpp"
#include "datagen/units_json.hpp"

namespace mano {

namespace {

constexpr unsigned kDeflateLevel = 1;
// Per-sample numbers are small; this many of them share a chunk.
constexpr hsize_t kScalarChunk = 1024;

// Without time stamps, so that equal contents are equal files.
H5Handle dataset_properties(const char* name) {
  H5Handle properties = h5_own(H5Pcreate(H5P_DATASET_CREATE), name);
  h5_check(H5Pset_obj_track_times(properties, false), name);
  return properties;
}

// For people.
std::string equation_of(const DatasetInfo& info) {
  const Units& units = info.units;
  if (!info.times.empty())
    return fmt::format(
        "-div({} mobility(saturation) permeability grad pressure) = source, porosity d saturation/d time + "
        "div(fractional_flow(saturation) flux) = injected; fluids in the attribute displacement",
        units.consistent() ? "" : fmt::format("{:.17g}", units.conductance()));
  if (units.consistent()) return "-div(permeability grad pressure) = source";
  return fmt::format("-div({:.17g} permeability grad pressure) = source, source in {} for each {}{}",
                     units.conductance(), units.names().rate, units.names().length, info.grid.flat() ? 2 : 3);
}

}  // namespace

int layers_in_chunk(const Grid& grid) {
  constexpr std::size_t kMost = std::size_t{4} << 20;
  return static_cast<int>(std::clamp<std::size_t>(kMost / (sizeof(double) * grid.layer()), 1, grid.nz));
}

H5Handle create_fields(hid_t file, const char* name, const DatasetInfo& info, const Grid& grid, hid_t type,
                       std::size_t times) {
  std::vector<hsize_t> shape{info.samples, static_cast<hsize_t>(grid.ny), static_cast<hsize_t>(grid.nx)};
  if (!grid.flat()) shape.insert(shape.begin() + 1, static_cast<hsize_t>(grid.nz));
  if (times > 0) shape.insert(shape.begin() + 1, times);
  std::vector<hsize_t> chunk = shape;
  chunk[0] = 1;
  if (!grid.flat()) chunk[1] = static_cast<hsize_t>(layers_in_chunk(grid));
  const int axes = static_cast<int>(shape.size());
  const H5Handle space = h5_own(H5Screate_simple(axes, shape.data(), nullptr), name);
  const H5Handle properties = dataset_properties(name);
  h5_check(H5Pset_chunk(properties, axes, chunk.data()), name);
  h5_check(H5Pset_shuffle(properties), name);
  h5_check(H5Pset_deflate(properties, kDeflateLevel), name);
  h5_check(H5Pset_fletcher32(properties), name);
  return h5_own(H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT), name);
}

H5Handle create_fields(hid_t file, const char* name, const DatasetInfo& info, const Grid& grid,
                       std::size_t times) {
  return create_fields(file, name, info, grid, info.single_precision ? H5T_IEEE_F32LE : H5T_IEEE_F64LE,
                       times);
}

H5Handle create_entries(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& shape) {
  std::vector<hsize_t> chunk = shape;
  hsize_t numbers = 1;  // of an entry
  for (std::size_t axis = 1; axis < shape.size(); ++axis) numbers *= shape[axis];
  chunk[0] = std::clamp<hsize_t>(kScalarChunk / numbers, 1, shape[0]);
  const int axes = static_cast<int>(shape.size());
  const H5Handle space = h5_own(H5Screate_simple(axes, shape.data(), nullptr), name);
  const H5Handle properties = dataset_properties(name);
  h5_check(H5Pset_chunk(properties, axes, chunk.data()), name);
  h5_check(H5Pset_fletcher32(properties), name);
  return h5_own(H5Dcreate2(file, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT), name);
}

void write_vector(hid_t file, const char* name, const std::vector<double>& values) {
  const H5Handle dataset = create_entries(file, name, H5T_IEEE_F64LE, {values.size()});
  h5_check(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), name);
  h5_check(H5Dflush(dataset), name);  // a close that fails would go unseen
}

void create_tensor_view(hid_t file, const DatasetInfo& info) {
  std::vector<hsize_t> source{info.samples, static_cast<hsize_t>(info.grid.ny),
                              static_cast<hsize_t>(info.grid.nx)};
  if (!info.grid.flat()) source.insert(source.begin() + 1, static_cast<hsize_t>(info.grid.nz));
  std::vector<hsize_t> view = source;
  view.insert(view.begin() + 1, 1);
  const H5Handle view_space =
      h5_own(H5Screate_simple(static_cast<int>(view.size()), view.data(), nullptr), "tensor");
  const H5Handle source_space =
      h5_own(H5Screate_simple(static_cast<int>(source.size()), source.data(), nullptr), "tensor");
  const H5Handle properties = dataset_properties("tensor");
  h5_check(H5Pset_virtual(properties, view_space, ".", "/pressure", source_space), "tensor");
  const hid_t type = info.single_precision ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
  h5_own(H5Dcreate2(file, "tensor", type, view_space, H5P_DEFAULT, properties, H5P_DEFAULT), "tensor");
}

void write_attributes(hid_t file, const DatasetInfo& info) {
  // What our reader reads, in one text of fixed length, which HDF5 keeps under a checksum; the others below are for people
  // and other programs. Texts of variable length lie in a heap without one, where HDF5 1.10 may even hang on a flipped bit.
  const int version = schema_version(info);
  nlohmann::json all{{"schema", kDatasetSchema},
                     {"schema_version", version},
                     {"setup", info.problem_name},
                     {"size", {info.grid.lx, info.grid.ly}},
                     {"location", to_string(info.location)},
                     {"field", info.field},
                     {"tolerance", info.tolerance},
                     {"program_version", info.version},
                     {"configuration", info.configuration}};
  // Files that need none of these are as they always were.
  if (info.has_inactive) all["inactive"] = true;
  if (!info.units.consistent()) all["units"] = units_json(info.units);
  if (!info.times.empty()) {
    all["times"] = info.times;
    all["displacement"] = info.displacement;
  }
  const bool has_origin = info.grid.x0 != 0 || info.grid.y0 != 0;
  if (has_origin) all["origin"] = {info.grid.x0, info.grid.y0};
  if (info.most_wells > 0) all["most_wells"] = info.most_wells;
  if (!info.grid.flat()) all["depth"] = {info.grid.z0, info.grid.lz};
  h5_write_fixed_text(file, kInfoAttribute, all.dump());
  h5_write_attribute(file, "schema", std::string(kDatasetSchema));
  h5_write_attribute(file, "schema_version", static_cast<long long>(version));
  h5_write_attribute(file, "equation", equation_of(info));
  if (!info.times.empty()) h5_write_attribute(file, "displacement", info.displacement);
  h5_write_attribute(file, "setup", info.problem_name);
  h5_write_attribute(file, "size_x", info.grid.lx);
  h5_write_attribute(file, "size_y", info.grid.ly);
  if (!info.grid.flat()) {
    h5_write_attribute(file, "size_z", info.grid.lz);
    h5_write_attribute(file, "origin_z", info.grid.z0);
  }
  if (has_origin) {
    h5_write_attribute(file, "origin_x", info.grid.x0);
    h5_write_attribute(file, "origin_y", info.grid.y0);
  }
  h5_write_attribute(file, "location", to_string(info.location));
  h5_write_attribute(file, "field", info.field);
  h5_write_attribute(file, "tolerance", info.tolerance);
  h5_write_attribute(file, "program_version", info.version);
  h5_write_attribute(file, "configuration", info.configuration);
  if (!info.units.consistent()) h5_write_attribute(file, "units", to_string(info.units.system));
}

void write_unit(hid_t dataset, const std::string& unit) {
  if (!unit.empty()) h5_write_attribute(dataset, "units", unit);
}

void link(hid_t file, const char* name, const char* alias) {
  h5_check(H5Lcreate_hard(file, name, file, alias, H5P_DEFAULT, H5P_DEFAULT), alias);
}

}  // namespace mano
