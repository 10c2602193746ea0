#include "datagen/field_file.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "datagen/dataset_impl.hpp"

namespace mano {

const std::vector<std::string> kPermeabilityNames{"permeability", "coeff", "nu", "a", "k", "x"};
const std::vector<std::string> kPressureNames{"pressure", "sol", "tensor", "u", "p", "y"};

struct ArrayReader::Impl {
  std::string path;
  std::string name;
  std::string where;  // for errors
  H5Handle file;
  H5Handle dataset;
  std::vector<hsize_t> shape;
  std::string axes;
  std::size_t time_step = 0;
  std::vector<double> missing;  // values that stand for none

  // Where samples lie close together in the file, several are read at once.
  std::size_t block = 1;
  mutable std::vector<double> values;  // of samples [first, first + held)
  mutable std::size_t first = 0, held = 0;

  std::size_t axis(char letter) const { return axes.find(letter); }
  std::size_t extent(char letter) const {
    return axis(letter) == std::string::npos ? 1 : static_cast<std::size_t>(shape[axis(letter)]);
  }
  Resolution grid() const {
    return {static_cast<int>(extent('x')), static_cast<int>(extent('y')), static_cast<int>(extent('z'))};
  }
  std::size_t cells() const { return extent('x') * extent('y') * extent('z'); }
  void open(const std::vector<std::string>& usual, const ArrayOptions& options);
  std::vector<hsize_t> read_block(std::size_t sample) const;
};

namespace {

constexpr std::size_t kBlockValues = std::size_t{1} << 25;  // 256 MB

std::string pick(hid_t file, const std::string& path, const std::string& name,
                 const std::vector<std::string>& usual) {
  if (!name.empty()) {
    check(h5_exists(file, name), "{}: dataset '{}' is {}", path, name,
          H5Lexists(file, name.c_str(), H5P_DEFAULT) > 0 ? "a link that leads nowhere" : "missing");
    return name;
  }
  for (const auto& candidate : usual) {
    if (h5_exists(file, candidate)) return candidate;
  }
  throw InvalidInput(
      fmt::format("{}: none of the datasets {} is there: name yours", path, fmt::join(usual, ", ")));
}

std::string matlab_class(hid_t dataset) {
  return h5_read_text(dataset, "MATLAB_class");
}

void check_numbers(hid_t dataset, const std::string& where) {
  const H5Handle type = h5_own(H5Dget_type(dataset), "type");
  const H5T_class_t kind = H5Tget_class(type);
  const bool numbers = kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM;
  check(numbers && matlab_class(dataset) != "char", "{} does not hold numbers but {}", where,
        kind == H5T_COMPOUND    ? "records, such as complex numbers"
        : kind == H5T_REFERENCE ? "references, such as cells of MATLAB"
        : kind == H5T_STRING    ? "text"
        : numbers               ? "text of MATLAB"
                                : "values of another type");
  check(H5Aexists(dataset, "MATLAB_empty") <= 0, "{} is an empty array of MATLAB", where);
  check(h5_read_number(dataset, "scale_factor", 1.0) == 1.0 &&
            h5_read_number(dataset, "add_offset", 0.0) == 0.0,
        "{} is packed (attributes scale_factor, add_offset): unpack it first", where);
}

// Parts that were never written, or whose files are missing, would be read as zeros.
void check_complete(hid_t dataset, const std::vector<hsize_t>& shape, const std::string& path,
                    const std::string& where) {
  const H5Handle properties = h5_own(H5Dget_create_plist(dataset), "layout");
  const H5D_layout_t layout = H5Pget_layout(properties);
  if (layout == H5D_CHUNKED) {
    const std::vector<hsize_t> chunk = h5_chunk_shape(dataset);
    hsize_t expected = 1;
    for (std::size_t d = 0; d < shape.size(); ++d) expected *= (shape[d] + chunk[d] - 1) / chunk[d];
    hsize_t written = 0;
    const H5Handle space = h5_own(H5Dget_space(dataset), "count chunks");
    h5_check(H5Dget_num_chunks(dataset, space, &written), "count chunks");
    check(written == expected, "{}: {} of {} chunks were never written", where, expected - written, expected);
  } else if (layout == H5D_CONTIGUOUS) {
    check(H5Pget_external_count(properties) > 0 || H5Dget_storage_size(dataset) > 0, "{} was never written",
          where);
  } else if (layout == H5D_VIRTUAL) {
    std::size_t sources = 0;
    H5Pget_virtual_count(properties, &sources);
    for (std::size_t s = 0; s < sources; ++s) {
      std::string name(std::max<ssize_t>(0, H5Pget_virtual_filename(properties, s, nullptr, 0)), '\0');
      H5Pget_virtual_filename(properties, s, name.data(), name.size() + 1);
      const auto beside = std::filesystem::path(path).parent_path() / name;
      check(name == "." || std::filesystem::exists(beside) || std::filesystem::exists(name),
            "{} is a view of the file '{}', which is missing", where, name);
    }
  }
}

ArrayOrigin origin_of(hid_t file, hid_t dataset) {
  if (H5Aexists(file, kInfoAttribute) > 0) {
    const auto info = nlohmann::json::parse(h5_read_fixed_text(file, kInfoAttribute), nullptr, false);
    const bool volumes = info.is_object() && info.value("schema_version", 0) == kVolumeSchemaVersion;
    return volumes ? ArrayOrigin::mano_volume : ArrayOrigin::mano;
  }
  return matlab_class(dataset).empty() ? ArrayOrigin::other : ArrayOrigin::matlab;
}

}  // namespace

void ArrayReader::Impl::open(const std::vector<std::string>& usual, const ArrayOptions& options) {
  name = pick(file, path, name, usual);
  where = fmt::format("{}: '{}'", path, name);
  dataset = H5Handle(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  check(dataset >= 0, "{} is not a dataset; if it is a group, name a dataset in it: GROUP/DATASET", where);
  check_numbers(dataset, where);
  shape = h5_shape(dataset);
  where = fmt::format("{}: '{}' has shape {}", path, name, h5_shape_text(shape));
  for (hsize_t n : shape) check(n > 0 && n < (1u << 30), "{}", where);
  axes = array_axes({shape.begin(), shape.end()}, origin_of(file, dataset), options, where);
  check(is_supported(grid()), "{}: too many cells", where);
  where = fmt::format("{}: '{}'", path, name);
  h5_check_filters(dataset, where);
  check_complete(dataset, shape, path, where);
  time_step = options.time_step.value_or(0);
  for (const char* attribute : {"_FillValue", "missing_value"}) {
    const double none = h5_read_number(dataset, attribute, std::numeric_limits<double>::quiet_NaN());
    if (!std::isnan(none)) missing.push_back(none);
  }
  if (axis('n') != 0) block = std::clamp<std::size_t>(kBlockValues / cells(), 1, extent('n'));
}

// Reads the samples from `sample` on, in the order of the file; the shape of what was read.
std::vector<hsize_t> ArrayReader::Impl::read_block(std::size_t sample) const {
  std::vector<hsize_t> start(shape.size(), 0);
  std::vector<hsize_t> count = shape;
  const std::size_t begin = sample - sample % block;
  const std::size_t samples = std::min(block, extent('n') - begin);
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (axes[d] == 'n') {
      start[d] = begin;
      count[d] = samples;
    }
    if (axes[d] == 't') {
      start[d] = time_step;
      count[d] = 1;
    }
  }
  if (held > 0 && first == begin) return count;
  held = 0;
  const hsize_t size = samples * cells();
  values.resize(size);
  const H5Handle memory = h5_own(H5Screate_simple(1, &size, nullptr), "memory space");
  const H5Handle space = h5_own(H5Dget_space(dataset), "file space");
  h5_check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
           "select");
  check(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()) >= 0,
        "{} cannot be read: the file is damaged", where);
  first = begin;
  held = samples;
  return count;
}

ArrayReader::ArrayReader(const std::filesystem::path& path, const std::string& name,
                         const std::vector<std::string>& usual, const ArrayOptions& options)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path.string();
  impl_->name = name;
  impl_->file = h5_open(path);
  impl_->open(usual, options);
}

ArrayReader::~ArrayReader() = default;

std::size_t ArrayReader::samples() const {
  return impl_->extent('n');
}

Grid ArrayReader::grid() const {
  const Resolution r = impl_->grid();
  Grid grid{r.nx, r.ny};
  grid.nz = r.nz;
  return grid;
}

std::string ArrayReader::name() const {
  return impl_->name;
}

bool ArrayReader::is_ours() const {
  return H5Aexists(impl_->file, kInfoAttribute) > 0;
}

bool ArrayReader::has_time() const {
  return impl_->axis('t') != std::string::npos;
}

std::string ArrayReader::description() const {
  return fmt::format("'{}': shape {}, axes {}{}", impl_->name, h5_shape_text(impl_->shape),
                     axes_text(impl_->axes),
                     has_time() ? fmt::format(", time step {}", impl_->time_step) : "");
}

Field ArrayReader::read(std::size_t sample) const {
  const Impl& d = *impl_;
  check(sample < samples(), "{} holds {} samples, sample {} was asked for", d.where, samples(), sample);
  const auto count = d.read_block(sample);
  const auto stride = [&](char letter) {
    std::size_t product = 1;
    for (std::size_t a = d.axis(letter) + 1; a < count.size(); ++a) product *= count[a];
    return product;
  };
  const std::size_t sx = stride('x');
  const std::size_t sy = stride('y');
  const std::size_t sz = d.axis('z') == std::string::npos ? 0 : stride('z');
  const double* const from =
      d.values.data() + (d.axis('n') == std::string::npos ? 0 : (sample - d.first) * stride('n'));
  Field field(grid());
  for (int k = 0; k < field.grid.nz; ++k) {
    for (int j = 0; j < field.grid.ny; ++j) {
      for (int i = 0; i < field.grid.nx; ++i) {
        const double value = from[i * sx + j * sy + k * sz];
        const bool none = std::find(d.missing.begin(), d.missing.end(), value) != d.missing.end();
        field(i, j, k) = none ? std::numeric_limits<double>::quiet_NaN() : value;
      }
    }
  }
  return field;
}

bool is_hdf5(const std::filesystem::path& path) {
  return h5_is_hdf5(path);
}

}  // namespace mano
