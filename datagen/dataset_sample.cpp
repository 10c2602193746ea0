// What a dataset file holds of one sample.

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "datagen/dataset_impl.hpp"
#include "datagen/well_table.hpp"

namespace mano {

namespace {

// The slab of sample `index`, as `count` values in memory. `what` names it in errors: the file and the dataset in it.
void read_slab(hid_t dataset, std::size_t index, hid_t type, hsize_t count, void* values,
               const std::string& what) {
  const H5Handle space = h5_own(H5Dget_space(dataset), what);
  std::vector<hsize_t> size = h5_shape(dataset), start(size.size(), 0);
  start[0] = index;
  size[0] = 1;
  const H5Handle memory = h5_own(H5Screate_simple(1, &count, nullptr), what);
  const bool read =
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr) >= 0 &&
      H5Dread(dataset, type, memory, space, H5P_DEFAULT, values) >= 0;
  check(read, "{} of sample {} cannot be read: the file is damaged", what, index);
}

std::string place(const std::string& path, const char* name) {
  return fmt::format("{}: /{}", path, name);
}

// An entry of an array [N], or a default where the file has none.
template <typename T>
T read_entry(hid_t file, const char* name, hid_t type, std::size_t index, const std::string& path) {
  T value{};
  if (!h5_exists(file, name)) return value;
  const H5Handle dataset = h5_own(H5Dopen2(file, name, H5P_DEFAULT), name);
  read_slab(dataset, index, type, 1, &value, place(path, name));
  return value;
}

// Row `index` of an array [N, size].
std::vector<double> read_row(hid_t file, const char* name, std::size_t size, std::size_t index,
                             const std::string& path) {
  const std::string what = place(path, name);
  check(h5_exists(file, name), "{}: dataset /{} is missing", path, name);
  const H5Handle dataset = h5_own(H5Dopen2(file, name, H5P_DEFAULT), name);
  const auto shape = h5_shape(dataset);
  check(shape.size() == 2 && shape[1] == size && index < shape[0], "{} has shape {}, expected [samples, {}]",
        what, h5_shape_text(shape), size);
  std::vector<double> values(size);
  read_slab(dataset, index, H5T_NATIVE_DOUBLE, size, values.data(), what);
  for (double value : values) check(std::isfinite(value), "{} of sample {} holds {}", what, index, value);
  return values;
}

}  // namespace

H5Handle solver_type() {
  H5Handle type = h5_own(H5Tcopy(H5T_C_S1), "text");
  h5_check(H5Tset_size(type, kSolverNameSize), "text");
  h5_check(H5Tset_strpad(type, H5T_STR_NULLPAD), "text");
  return type;
}

// Chunks that were never written would be read as zeros.
void DatasetReader::Impl::check_written(hid_t dataset, const char* name, std::size_t index) const {
  const hsize_t layers = info.grid.flat() ? 1 : h5_shape(dataset)[1];
  const hsize_t step = info.grid.flat() ? 1 : h5_chunk_shape(dataset)[1];
  for (hsize_t layer = 0; layer < layers; layer += step) {
    const std::array<hsize_t, 4> offset{index, layer, 0, 0};  // of as many axes as there are
    hsize_t stored = 0;
    check(H5Dget_chunk_storage_size(dataset, offset.data(), &stored) < 0 || stored > 0,
          "{} of sample {} was never written", place(path.string(), name), index);
  }
}

std::vector<double> DatasetReader::Impl::read_values(hid_t dataset, const char* name, std::size_t index,
                                                     std::size_t count) const {
  check_written(dataset, name, index);
  std::vector<double> values(count);
  read_slab(dataset, index, H5T_NATIVE_DOUBLE, count, values.data(), place(path.string(), name));
  return values;
}

// Fields of a sample, one after another. What is not finite in an active cell is refused; inactive cells keep what the file has.
std::vector<Field> DatasetReader::Impl::read_fields(hid_t dataset, const char* name, std::size_t index,
                                                    const CellMask& active, std::size_t count) const {
  const std::string what = place(path.string(), name);
  const std::size_t cells = info.grid.cells();
  const std::vector<double> values = read_values(dataset, name, index, cells * count);
  std::vector<Field> fields(count, Field(info.grid));
  for (std::size_t f = 0; f < count; ++f) {
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(f * cells), cells, fields[f].values.begin());
    for (std::size_t c = 0; c < cells; ++c) {
      const double value = fields[f].values[c];
      check(std::isfinite(value) || !active[c], "{} of sample {} holds {}", what, index, value);
    }
  }
  return fields;
}

CellMask DatasetReader::Impl::read_active(std::size_t index) const {
  if (!info.has_inactive) return {};
  Field field(info.grid);
  field.values = read_values(active, "active", index, info.grid.cells());
  return make_cell_mask(field, fmt::format("{} of sample {}", place(path.string(), "active"), index));
}

std::vector<PlacedWell> DatasetReader::Impl::read_wells(std::size_t index) const {
  if (info.most_wells == 0) return {};
  return wells_of_table(read_values(wells, "wells", index, info.most_wells * kWellNumbers).data(),
                        info.most_wells,
                        fmt::format("{} of sample {}", place(path.string(), "wells"), index));
}

Sample DatasetReader::Impl::read(std::size_t index) const {
  Sample sample = read_numbers(index);
  sample.active = read_active(index);
  sample.wells = read_wells(index);
  const CellMask& active = sample.active;
  sample.permeability = read_fields(permeability, "permeability", index, active, 1).front();
  if (info.times.empty()) {
    sample.pressure = with_inactive(read_fields(pressure, "pressure", index, active, 1).front(), active, 0.0);
  } else {
    sample.history = read_curves(index);
    sample.history.saturation = read_fields(saturation, "saturation", index, active, info.times.size());
    sample.history.pressure = read_fields(pressure, "pressure", index, active, info.times.size());
    for (auto* fields : {&sample.history.saturation, &sample.history.pressure})
      for (Field& field : *fields) field = with_inactive(std::move(field), active, 0.0);
  }
  check_permeability(sample.permeability, fmt::format("{}, sample {}", path.string(), index), active);
  return sample;
}

History DatasetReader::Impl::read_curves(std::size_t index) const {
  History h;
  for (auto [name, values] :
       {std::pair{"water_cut", &h.water_cut}, {"recovery", &h.recovery}, {"elapsed_time", &h.elapsed_time}})
    *values = read_row(file, name, info.times.size(), index, path.string());
  h.breakthrough = read_entry<double>(file, "breakthrough", H5T_NATIVE_DOUBLE, index, path.string());
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

}  // namespace mano
