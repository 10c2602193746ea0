#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "core/broken.hpp"
#include "core/error.hpp"
#include "core/version.hpp"
#include "datagen/chunk_codec.hpp"
#include "datagen/dataset_impl.hpp"
#include "datagen/dataset_layout.hpp"

namespace mano {

namespace {

// Entry `index` of an array of samples, with all its other axes.
void write_entry(hid_t dataset, hid_t type, std::size_t index, const void* values) {
  std::vector<hsize_t> count = h5_shape(dataset);
  std::vector<hsize_t> start(count.size(), 0);
  start[0] = index;
  count[0] = 1;
  const H5Handle space = h5_own(H5Dget_space(dataset), "write numbers");
  const H5Handle memory =
      h5_own(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), "write numbers");
  h5_check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
           "write numbers");
  h5_check(H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, values), "write numbers");
}

// [most, kWellNumbers]
std::vector<double> well_table(const std::vector<PlacedWell>& wells, std::size_t most) {
  std::vector<double> values(most * kWellNumbers, std::numeric_limits<double>::quiet_NaN());
  auto row = values.begin();
  for (const PlacedWell& well : wells) row = std::ranges::copy(well.numbers(), row).out;
  return values;
}

std::array<char, kSolverNameSize> solver_entry(const std::string& name) {
  std::array<char, kSolverNameSize> text{};
  std::copy_n(name.begin(), std::min(name.size(), text.size()), text.begin());
  return text;
}

}  // namespace

struct DatasetWriter::Impl {
  ~Impl() {
    if (!closed) h5_discard_writes();  // what was not closed is not wanted
  }

  bool closed = false;
  std::filesystem::path path;
  DatasetInfo info;
  H5Handle file, permeability, pressure, active, seed, sample, iterations, residual, solver;
  H5Handle saturation, water_cut, recovery, elapsed_time, breakthrough;  // of a displacement
  H5Handle wells;                                                        // where each sample has its own
  H5Handle solver_text = solver_type();
  ChunkCodec codec;
  std::vector<float> single;
  std::vector<unsigned char> filled;
  std::map<std::string, H5Handle> more;  // under names of their own
  std::map<std::string, Grid> grids;     // of those that are fields

  void write_field(hid_t dataset, std::size_t index, const Field& field, const Grid& grid) {
    check(field.grid.same_cells(grid), "{}: a field of {} does not fit into {}", path.string(),
          field.grid.resolution(), grid.resolution());
    write_values(dataset, index, field.values, grid);
  }

  // In float32 nothing becomes infinite, nor zero where `keeps_small`: a permeability or pressure that small is no zero.
  void write_values(hid_t dataset, std::size_t index, const std::vector<double>& exact, const Grid& grid,
                    bool keeps_small = true) {
    const void* values = exact.data();
    std::size_t width = sizeof(double);
    if (info.single_precision) {
      single.assign(exact.begin(), exact.end());
      for (std::size_t c = 0; c < single.size(); ++c) {
        if ((!std::isfinite(single[c]) && std::isfinite(exact[c])) ||
            (keeps_small && (single[c] == 0.0F) != (exact[c] == 0.0)))
          throw RunFailed(
              fmt::format("sample {}: {} does not fit into float32: store float64", index, exact[c]));
      }
      values = single.data();
      width = sizeof(float);
    }
    write_chunks(dataset, index, values, exact.size(), width, grid);
  }

  // A sample is one chunk, that of a volume one for some layers; the last is filled up.
  void write_chunks(hid_t dataset, std::size_t index, const void* values, std::size_t count,
                    std::size_t width, const Grid& grid) {
    if (grid.flat()) return write_chunk(dataset, index, 0, values, count, width);
    const std::size_t whole = layers_in_chunk(grid) * grid.layer();
    const auto* bytes = static_cast<const unsigned char*>(values);
    for (std::size_t begin = 0; begin < count; begin += whole) {
      const std::size_t first_layer = begin / grid.layer();
      if (begin + whole <= count) {
        write_chunk(dataset, index, first_layer, bytes + begin * width, whole, width);
      } else {
        filled.assign(whole * width, 0);
        std::copy(bytes + begin * width, bytes + count * width, filled.begin());
        write_chunk(dataset, index, first_layer, filled.data(), whole, width);
      }
    }
  }

  void write_chunk(hid_t dataset, std::size_t index, std::size_t first_layer, const void* values,
                   std::size_t count, std::size_t width) {
    const std::array<hsize_t, 4> offset{index, first_layer, 0, 0};  // of as many axes as there are
    const auto& chunk = codec.encode(values, count * width, width);
    h5_check(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, offset.data(), chunk.size(), chunk.data()),
             "write a field");
  }

  void create_history();
  void write_history(std::size_t index, const Sample& sample);
  void write_curves(std::size_t index, const History& history);

  // All times of a sample in one chunk.
  void write_fields(hid_t dataset, std::size_t index, const std::vector<Field>& fields,
                    const CellMask& active, bool keeps_small) {
    check(fields.size() == info.times.size(), "{}: {} fields for {} times", path.string(), fields.size(),
          info.times.size());
    Field all(info.grid);
    all.values.clear();
    for (const Field& field : fields) {
      check(field.grid.same_cells(info.grid), "{}: a field of {} does not fit into {}", path.string(),
            field.grid.resolution(), info.grid.resolution());
      const Field blank = with_inactive(field, active, std::numeric_limits<double>::quiet_NaN());
      all.values.insert(all.values.end(), blank.values.begin(), blank.values.end());
    }
    write_values(dataset, index, all.values, info.grid, keeps_small);
  }

  void write_wells(std::size_t index, const std::vector<PlacedWell>& list) {
    check(list.size() <= info.most_wells,
          "{}: sample {} has {} wells of its own, the dataset is to have {} at most", path.string(), index,
          list.size(), info.most_wells);
    if (info.most_wells == 0) return;
    write_entry(wells, H5T_NATIVE_DOUBLE, index, well_table(list, info.most_wells).data());
  }

  void write_active(std::size_t index, const CellMask& mask) {
    check(info.has_inactive || mask.all(), "{}: sample {} has inactive cells, the dataset is to have none",
          path.string(), index);
    if (!info.has_inactive) return;
    const std::vector<std::uint8_t> all(info.grid.cells(), 1);
    write_chunks(active, index, mask.all() ? all.data() : mask.values.data(), info.grid.cells(), 1,
                 info.grid);
  }
};

DatasetWriter::DatasetWriter(const std::filesystem::path& path, const DatasetInfo& info)
    : impl_(std::make_unique<Impl>()) {
  check(info.grid.flat() || (info.times.empty() && info.location == Location::cell),
        "{}: volumes are of steady flow, with values at cells", path.string());
  Impl& d = *impl_;
  d.path = path;
  d.info = info;
  d.info.version = kVersion;
  d.file = h5_create(path);
  d.permeability = create_fields(d.file, "permeability", info, info.grid);
  d.pressure = create_fields(d.file, "pressure", info, info.grid, info.times.size());
  if (info.has_inactive) d.active = create_fields(d.file, "active", info, info.grid, H5T_STD_U8LE);
  if (info.most_wells > 0) {
    d.wells = create_entries(d.file, "wells", H5T_IEEE_F64LE, {info.samples, info.most_wells, kWellNumbers});
    h5_write_attribute(d.wells, "columns", std::string("x, y, rate, pressure, radius"));
  }
  write_unit(d.permeability, info.units.names().permeability);
  write_unit(d.pressure, info.units.names().pressure);
  d.seed = create_entries(d.file, "seed", H5T_STD_U64LE, {info.samples});
  d.sample = create_entries(d.file, "sample", H5T_STD_U64LE, {info.samples});
  d.iterations = create_entries(d.file, "iterations", H5T_STD_I32LE, {info.samples});
  d.residual = create_entries(d.file, "residual", H5T_IEEE_F64LE, {info.samples});
  d.solver = create_entries(d.file, "solver", d.solver_text, {info.samples});
  std::vector<double> x(info.grid.nx);
  std::vector<double> y(info.grid.ny);
  for (int i = 0; i < info.grid.nx; ++i) x[i] = info.grid.x(i, info.location);
  for (int j = 0; j < info.grid.ny; ++j) y[j] = info.grid.y(j, info.location);
  write_vector(d.file, "x-coordinate", x);
  write_vector(d.file, "y-coordinate", y);
  if (!info.grid.flat()) {
    std::vector<double> z(info.grid.nz);
    for (int k = 0; k < info.grid.nz; ++k) z[k] = info.grid.z(k);
    write_vector(d.file, "z-coordinate", z);
  }
  for (const auto& [alias, name] :
       {std::pair{"nu", "permeability"}, {"coeff", "permeability"}, {"x", "permeability"}})
    link(d.file, name, alias);
  if (info.times.empty()) {
    link(d.file, "pressure", "sol");
    link(d.file, "pressure", "y");
    create_tensor_view(d.file, info);
  } else {
    d.create_history();
  }
  write_attributes(d.file, d.info);
}

void DatasetWriter::Impl::create_history() {
  const std::size_t times = info.times.size();
  saturation = create_fields(file, "saturation", info, info.grid, times);
  for (auto [name, rows] :
       {std::pair{"water_cut", &water_cut}, {"recovery", &recovery}, {"elapsed_time", &elapsed_time}})
    *rows = create_entries(file, name, H5T_IEEE_F64LE, {info.samples, times});
  write_unit(elapsed_time, info.units.names().time);
  breakthrough = create_entries(file, "breakthrough", H5T_IEEE_F64LE, {info.samples});
  write_unit(breakthrough, kPoreVolumes);
  write_vector(file, "time", info.times);
  const H5Handle time = h5_own(H5Dopen2(file, "time", H5P_DEFAULT), "time");
  write_unit(time, kPoreVolumes);
  link(file, "time", "t-coordinate");
  link(file, "saturation", "tensor");
  link(file, "saturation", "y");
}

void DatasetWriter::Impl::write_history(std::size_t index, const Sample& sample) {
  write_fields(saturation, index, sample.history.saturation, sample.active, false);
  write_fields(pressure, index, sample.history.pressure, sample.active, true);
  write_curves(index, sample.history);
}

void DatasetWriter::Impl::write_curves(std::size_t index, const History& h) {
  for (auto [rows, values] :
       {std::pair{&water_cut, &h.water_cut}, {&recovery, &h.recovery}, {&elapsed_time, &h.elapsed_time}}) {
    check(values->size() == info.times.size(), "{}: {} numbers for {} times", path.string(), values->size(),
          info.times.size());
    write_entry(*rows, H5T_NATIVE_DOUBLE, index, values->data());
  }
  write_entry(breakthrough, H5T_NATIVE_DOUBLE, index, &h.breakthrough);
}

DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::write(std::size_t index, const Sample& sample) {
  Impl& d = *impl_;
  d.write_field(d.permeability, index, sample.permeability, d.info.grid);
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (d.info.times.empty()) {
    d.write_field(d.pressure, index, with_inactive(sample.pressure, sample.active, kNone), d.info.grid);
  } else {
    d.write_history(index, sample);
  }
  d.write_active(index, sample.active);
  d.write_wells(index, sample.wells);
  write_entry(d.seed, H5T_NATIVE_UINT64, index, &sample.seed);
  write_entry(d.sample, H5T_NATIVE_UINT64, index, &sample.number);
  write_entry(d.iterations, H5T_NATIVE_INT, index, &sample.iterations);
  write_entry(d.residual, H5T_NATIVE_DOUBLE, index, &sample.residual);
  write_entry(d.solver, d.solver_text, index, solver_entry(sample.solver).data());
}

void DatasetWriter::add(const std::string& name, std::size_t index, const Field& field,
                        const std::string& unit) {
  Impl& d = *impl_;
  if (!d.more.contains(name)) {
    d.more[name] = create_fields(d.file, name.c_str(), d.info, field.grid);
    write_unit(d.more[name], unit);
    d.grids[name] = field.grid;
  }
  d.write_field(d.more[name], index, field, d.grids[name]);
}

void DatasetWriter::add(const std::string& name, std::size_t index, double value) {
  Impl& d = *impl_;
  if (!d.more.contains(name))
    d.more[name] = create_entries(d.file, name.c_str(), H5T_IEEE_F64LE, {d.info.samples});
  write_entry(d.more[name], H5T_NATIVE_DOUBLE, index, &value);
}

void DatasetWriter::copy(std::size_t index, const DatasetReader& shard) {
  Impl& d = *impl_;
  std::vector<char> chunk;
  const auto copy_chunk = [&](hid_t from, hid_t to, std::size_t source, std::size_t target, hsize_t layer) {
    const std::array<hsize_t, 4> from_offset{source, layer, 0, 0};  // of as many axes as there are
    const std::array<hsize_t, 4> to_offset{target, layer, 0, 0};
    hsize_t bytes = 0;
    std::uint32_t filters = 0;
    h5_check(H5Dget_chunk_storage_size(from, from_offset.data(), &bytes), "read " + shard.path().string());
    chunk.resize(bytes);
    h5_check(H5Dread_chunk(from, H5P_DEFAULT, from_offset.data(), &filters, chunk.data()),
             "read " + shard.path().string());
    h5_check(H5Dwrite_chunk(to, H5P_DEFAULT, filters, to_offset.data(), bytes, chunk.data()),
             "write a field");
  };
  const Grid& grid = d.info.grid;
  const auto copy_sample = [&](hid_t from, hid_t to, std::size_t source, std::size_t target) {
    const int step = grid.flat() ? 1 : layers_in_chunk(grid);
    for (int layer = 0; layer < grid.nz; layer += step) copy_chunk(from, to, source, target, layer);
  };
  check(h5_chunk_shape(shard.impl_->permeability) == h5_chunk_shape(d.permeability) &&
            h5_chunk_shape(shard.impl_->pressure) == h5_chunk_shape(d.pressure),
        "{}: its chunks are not those that mano writes; another program has written it anew",
        shard.path().string());
  for (std::size_t s = 0; s < shard.info().samples; ++s) {
    copy_sample(shard.impl_->permeability, d.permeability, s, index + s);
    copy_sample(shard.impl_->pressure, d.pressure, s, index + s);
    if (d.info.has_inactive) copy_sample(shard.impl_->active, d.active, s, index + s);
    d.write_wells(index + s, shard.impl_->read_wells(s));
    if (!d.info.times.empty()) {
      copy_sample(shard.impl_->saturation, d.saturation, s, index + s);
      d.write_curves(index + s, shard.impl_->read_curves(s));
    }
    const Sample numbers = shard.read_numbers(s);
    write_entry(d.seed, H5T_NATIVE_UINT64, index + s, &numbers.seed);
    write_entry(d.sample, H5T_NATIVE_UINT64, index + s, &numbers.number);
    write_entry(d.iterations, H5T_NATIVE_INT, index + s, &numbers.iterations);
    write_entry(d.residual, H5T_NATIVE_DOUBLE, index + s, &numbers.residual);
    write_entry(d.solver, d.solver_text, index + s, solver_entry(numbers.solver).data());
  }
}

void DatasetWriter::close() {
  Impl& d = *impl_;
  // Closing writes as well, and HDF5 1.10 does not survive a close that fails: flush first, while there is a way back.
  h5_check(H5Fflush(d.file, H5F_SCOPE_GLOBAL), "write what is left");
  d.closed = true;
  for (H5Handle* dataset :
       {&d.permeability, &d.pressure, &d.active, &d.seed, &d.sample, &d.iterations, &d.residual, &d.solver,
        &d.saturation, &d.water_cut, &d.recovery, &d.elapsed_time, &d.breakthrough, &d.wells})
    *dataset = H5Handle();
  d.more.clear();
  if (H5Fclose(d.file.release()) < 0) {
    clean_up_would_crash() = true;
    throw WriteFailed("HDF5 failed: close the file");
  }
  impl_.reset();
}

}  // namespace mano
