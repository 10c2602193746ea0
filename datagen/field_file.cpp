#include "datagen/field_file.hpp"

#include <fmt/ranges.h>

#include "core/error.hpp"
#include "datagen/hdf5_handle.hpp"

namespace mano {

const std::vector<std::string> kPermeabilityNames{"permeability", "coeff", "nu", "a", "k", "x"};
const std::vector<std::string> kPressureNames{"pressure", "sol", "tensor", "u", "p", "y"};

struct ArrayReader::Impl {
  std::string path;
  std::string name;
  H5Handle file;
  H5Handle dataset;
  std::vector<hsize_t> shape;
};

namespace {

std::string pick(hid_t file, const std::string& path, const std::string& name,
                 const std::vector<std::string>& usual) {
  if (!name.empty()) {
    check(h5_exists(file, name), "{}: dataset '{}' is missing", path, name);
    return name;
  }
  for (const auto& candidate : usual) {
    if (h5_exists(file, candidate)) return candidate;
  }
  throw InvalidInput(
      fmt::format("{}: none of the datasets {} is there: name yours", path, fmt::join(usual, ", ")));
}

}  // namespace

ArrayReader::ArrayReader(const std::filesystem::path& path, const std::string& name,
                         const std::vector<std::string>& usual)
    : impl_(std::make_unique<Impl>()) {
  Impl& d = *impl_;
  d.path = path.string();
  d.file = h5_open(path);
  d.name = pick(d.file, d.path, name, usual);
  d.dataset = H5Handle(H5Dopen2(d.file, d.name.c_str(), H5P_DEFAULT));
  check(d.dataset >= 0, "{}: '{}' is not a dataset", d.path, d.name);
  const H5Handle type = h5_own(H5Dget_type(d.dataset), "type");
  const H5T_class_t kind = H5Tget_class(type);
  check(kind == H5T_INTEGER || kind == H5T_FLOAT || kind == H5T_ENUM, "{}: '{}' does not hold numbers",
        d.path, d.name);
  d.shape = h5_shape(d.dataset);
  check(H5Aexists(d.dataset, "MATLAB_class") <= 0,
        "{}: '{}' was written by MATLAB, which stores its axes reversed: transpose it to [N, ny, nx] first",
        d.path, d.name);
  const bool usable = d.shape.size() == 2 || d.shape.size() == 3 || (d.shape.size() == 4 && d.shape[1] == 1);
  check(usable, "{}: '{}' has shape {}, expected [ny, nx], [N, ny, nx] or [N, 1, ny, nx]", d.path, d.name,
        h5_shape_text(d.shape));
  for (hsize_t n : d.shape) {
    check(n > 0 && n < (1u << 30), "{}: '{}' has shape {}", d.path, d.name, h5_shape_text(d.shape));
  }
}

ArrayReader::~ArrayReader() = default;

std::size_t ArrayReader::samples() const {
  return impl_->shape.size() == 2 ? 1 : impl_->shape[0];
}

Grid ArrayReader::grid() const {
  const auto& shape = impl_->shape;
  return {static_cast<int>(shape.back()), static_cast<int>(shape[shape.size() - 2])};
}

std::string ArrayReader::name() const {
  return impl_->name;
}

Field ArrayReader::read(std::size_t sample) const {
  const Impl& d = *impl_;
  check(sample < samples(), "{}: '{}' holds {} samples, sample {} was asked for", d.path, d.name, samples(),
        sample);
  Field field(grid());
  std::vector<hsize_t> start(d.shape.size(), 0);
  std::vector<hsize_t> count = d.shape;
  if (d.shape.size() > 2) {
    start[0] = sample;
    count[0] = 1;
  }
  const hsize_t size = field.grid.cells();
  const H5Handle memory = h5_own(H5Screate_simple(1, &size, nullptr), "memory space");
  const H5Handle space = h5_own(H5Dget_space(d.dataset), "file space");
  h5_check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
           "select");
  check(H5Dread(d.dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, field.values.data()) >= 0,
        "{}: '{}' cannot be read: the file is damaged", d.path, d.name);
  return field;
}

bool is_hdf5(const std::filesystem::path& path) {
  return h5_is_hdf5(path);
}

}  // namespace mano
