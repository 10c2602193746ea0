#pragma once
// A move-only owner of an HDF5 identifier, the throwing check, and the few calls that the readers and writers share.
// Private to datagen/.

#include <hdf5.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mano {

class H5Handle {
 public:
  H5Handle() = default;
  explicit H5Handle(hid_t id) : id_(id) {}
  ~H5Handle();
  H5Handle(H5Handle&& other) noexcept : id_(other.id_) { other.id_ = -1; }
  H5Handle& operator=(H5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  H5Handle(const H5Handle&) = delete;
  H5Handle& operator=(const H5Handle&) = delete;
  operator hid_t() const { return id_; }
  hid_t release() { return std::exchange(id_, -1); }

 private:
  hid_t id_ = -1;
};

/// Lets HDF5 write whatever it still holds for files open for writing into memory that is thrown away: where a disk is full, HDF5
/// 1.10 cannot close what it cannot flush, and crashes. Returns whether there was any.
bool h5_discard_writes();

/// Throws RunFailed with `what` where a call reports failure; where a file was open for writing, after h5_discard_writes(), WriteFailed
/// with the system's reason or else `what`. A failed write leaves the library in no state to be closed (core/broken.hpp).
H5Handle h5_own(hid_t id, const std::string& what);
void h5_check(herr_t status, const std::string& what);

/// Throws InvalidInput where the file is missing, is not HDF5, or is truncated.
H5Handle h5_open(const std::filesystem::path& path);
H5Handle h5_create(const std::filesystem::path& path);
bool h5_exists(hid_t location, const std::string& name);
bool h5_is_hdf5(const std::filesystem::path& path);

/// Throws InvalidInput naming the filter where the dataset is compressed with one that is not there.
void h5_check_filters(hid_t dataset, const std::string& where);

std::vector<hsize_t> h5_shape(hid_t dataset);
/// Of a chunk; the whole shape where there are none.
std::vector<hsize_t> h5_chunk_shape(hid_t dataset);
std::string h5_shape_text(const std::vector<hsize_t>& shape);

void h5_write_attribute(hid_t location, const std::string& name, const std::string& value);
void h5_write_attribute(hid_t location, const std::string& name, double value);
void h5_write_attribute(hid_t location, const std::string& name, long long value);
/// Text of fixed length, which HDF5 1.10's format keeps under a checksum. Empty where the attribute is absent or another.
void h5_write_fixed_text(hid_t location, const std::string& name, const std::string& value);
std::string h5_read_fixed_text(hid_t location, const std::string& name);
/// Empty, or `fallback`, where the attribute is absent.
std::string h5_read_text(hid_t location, const std::string& name);
double h5_read_number(hid_t location, const std::string& name, double fallback);

}  // namespace mano
