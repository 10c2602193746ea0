#include "datagen/hdf5_handle.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "core/broken.hpp"
#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace {

// Errors travel as exceptions: HDF5 must not print its own stack as well.
void silence_hdf5() {
  static const bool done = [] {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    return true;
  }();
  (void)done;
}

}  // namespace

H5Handle::~H5Handle() {
  if (id_ >= 0 && H5Iis_valid(id_) > 0) H5Idec_ref(id_);
}

bool h5_discard_writes() {
  std::vector<hid_t> files(
      std::max<ssize_t>(0, H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_FILE)));
  if (files.empty()) return false;
  const ssize_t count =
      H5Fget_obj_ids(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_FILE, files.size(), files.data());
  bool any = false;
  for (ssize_t f = 0; f < count; ++f) {
    unsigned intent = 0;
    void* descriptor = nullptr;
    if (H5Fget_intent(files[f], &intent) < 0 || (intent & H5F_ACC_RDWR) == 0) continue;
    any = true;
    if (H5Fget_vfd_handle(files[f], H5P_DEFAULT, &descriptor) < 0 || descriptor == nullptr) continue;
    const int memory = ::memfd_create("discarded", MFD_CLOEXEC);
    if (memory < 0) continue;
    ::dup2(memory, *static_cast<int*>(descriptor));
    ::close(memory);
  }
  return any;
}

H5Handle h5_own(hid_t id, const std::string& what) {
  h5_check(id < 0 ? -1 : 0, what);
  return H5Handle(id);
}

namespace {

// Why the call before failed: the system's reason, which HDF5 has among its own messages, or else `what`.
std::string reason_of_failure(const std::string& what) {
  int error = 0;
  const auto look = [](unsigned, const H5E_error2_t* entry, void* found) -> herr_t {
    const char* at = entry->desc == nullptr ? nullptr : std::strstr(entry->desc, "errno = ");
    if (at != nullptr) *static_cast<int*>(found) = std::atoi(at + std::strlen("errno = "));
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look, &error);
  return error != 0 ? std::strerror(error) : "HDF5 failed: " + what;
}

}  // namespace

void h5_check(herr_t status, const std::string& what) {
  if (status >= 0) return;
  const std::string reason = reason_of_failure(what);
  if (!h5_discard_writes()) throw RunFailed("HDF5 failed: " + what);
  clean_up_would_crash() = true;
  throw WriteFailed(reason);
}

bool h5_is_hdf5(const std::filesystem::path& path) {
  silence_hdf5();
  return H5Fis_hdf5(path.c_str()) > 0;
}

H5Handle h5_open(const std::filesystem::path& path) {
  check_readable(path);
  check(h5_is_hdf5(path), "{} is not an HDF5 file", path.string());
  H5Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  check(file >= 0, "{} cannot be opened as HDF5: it is truncated or damaged", path.string());
  return file;
}

H5Handle h5_create(const std::filesystem::path& path) {
  silence_hdf5();
  // The file format of HDF5 1.10: only from there on does all of its own bookkeeping carry checksums.
  const H5Handle access = h5_own(H5Pcreate(H5P_FILE_ACCESS), "create a file");
  h5_check(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), "create a file");
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  if (file < 0) {
    clean_up_would_crash() = true;  // it may be half made
    throw WriteFailed(reason_of_failure("create a file"));
  }
  return H5Handle(file);
}

bool h5_exists(hid_t location, const std::string& name) {
  return H5Lexists(location, name.c_str(), H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(location, name.c_str(), H5P_DEFAULT) > 0;
}

namespace {

// Names of filters registered with the HDF Group.
std::string filter_name(H5Z_filter_t id, const char* in_file) {
  static const std::map<H5Z_filter_t, const char*> names{{H5Z_FILTER_DEFLATE, "gzip"},
                                                         {H5Z_FILTER_SZIP, "szip"},
                                                         {305, "LZO"},
                                                         {307, "bzip2"},
                                                         {32000, "lzf"},
                                                         {32001, "blosc"},
                                                         {32002, "MAFISC"},
                                                         {32003, "snappy"},
                                                         {32004, "LZ4"},
                                                         {32008, "bitshuffle"},
                                                         {32013, "zfp"},
                                                         {32015, "zstd"},
                                                         {32017, "SZ"},
                                                         {32018, "FCIDECOMP"},
                                                         {32019, "JPEG"},
                                                         {32022, "BitGroom"},
                                                         {32023, "BitRound"},
                                                         {32024, "SZ3"},
                                                         {32026, "blosc2"},
                                                         {32027, "FLAC"}};
  const auto found = names.find(id);
  return found != names.end() ? found->second : *in_file != '\0' ? in_file : "an unknown filter";
}

// Filter number `f` was left out of every chunk, as h5py's lzf is where it gains nothing.
bool is_nowhere_applied(hid_t dataset, int f) {
  const H5Handle space = h5_own(H5Dget_space(dataset), "filters");
  hsize_t chunks = 0;
  h5_check(H5Dget_num_chunks(dataset, space, &chunks), "filters");
  std::vector<hsize_t> offset(h5_shape(dataset).size());
  for (hsize_t c = 0; c < chunks; ++c) {
    unsigned left_out = 0;
    haddr_t address = 0;
    hsize_t size = 0;
    h5_check(H5Dget_chunk_info(dataset, space, c, offset.data(), &left_out, &address, &size), "filters");
    if ((left_out & (1U << static_cast<unsigned>(f))) == 0) return false;
  }
  return chunks > 0;
}

}  // namespace

void h5_check_filters(hid_t dataset, const std::string& where) {
  const H5Handle properties = h5_own(H5Dget_create_plist(dataset), "filters");
  const int filters = H5Pget_nfilters(properties);
  for (int f = 0; f < filters; ++f) {
    unsigned flags = 0;
    unsigned configuration = 0;
    std::size_t values = 0;
    char name[64] = {};
    const H5Z_filter_t id = H5Pget_filter2(properties, static_cast<unsigned>(f), &flags, &values, nullptr,
                                           sizeof(name), name, &configuration);
    name[sizeof(name) - 1] = '\0';
    check(id < 0 || H5Zfilter_avail(id) > 0 || is_nowhere_applied(dataset, f),
          "{} is compressed with {} (HDF5 filter {}), which is not there: write the file again with gzip, "
          "or set HDF5_PLUGIN_PATH to the folder of that filter's plugin",
          where, filter_name(id, name), static_cast<int>(id));
  }
}

std::vector<hsize_t> h5_shape(hid_t dataset) {
  const H5Handle space = h5_own(H5Dget_space(dataset), "read a shape");
  std::vector<hsize_t> shape(H5Sget_simple_extent_ndims(space));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  return shape;
}

std::vector<hsize_t> h5_chunk_shape(hid_t dataset) {
  std::vector<hsize_t> chunk = h5_shape(dataset);
  const H5Handle properties = h5_own(H5Dget_create_plist(dataset), "layout");
  if (H5Pget_layout(properties) == H5D_CHUNKED)
    H5Pget_chunk(properties, static_cast<int>(chunk.size()), chunk.data());
  return chunk;
}

std::string h5_shape_text(const std::vector<hsize_t>& shape) {
  std::string text = "[";
  for (std::size_t d = 0; d < shape.size(); ++d) text += (d ? ", " : "") + std::to_string(shape[d]);
  return text + "]";
}

namespace {

void write_scalar(hid_t location, const std::string& name, hid_t type, const void* value) {
  const H5Handle space = h5_own(H5Screate(H5S_SCALAR), "attribute " + name);
  const H5Handle attribute =
      h5_own(H5Acreate2(location, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), "attribute " + name);
  h5_check(H5Awrite(attribute, type, value), "attribute " + name);
}

}  // namespace

void h5_write_attribute(hid_t location, const std::string& name, const std::string& value) {
  const H5Handle type = h5_own(H5Tcopy(H5T_C_S1), "string type");
  h5_check(H5Tset_size(type, H5T_VARIABLE),
           "string type");  // h5py and xarray read these as text, not as bytes
  h5_check(H5Tset_cset(type, H5T_CSET_UTF8), "string type");
  const char* text = value.c_str();
  write_scalar(location, name, type, &text);
}

void h5_write_attribute(hid_t location, const std::string& name, double value) {
  write_scalar(location, name, H5T_NATIVE_DOUBLE, &value);
}

void h5_write_attribute(hid_t location, const std::string& name, long long value) {
  write_scalar(location, name, H5T_NATIVE_LLONG, &value);
}

namespace {

// One value, as a mano file writes it; arrays are no attribute of ours.
bool is_single(hid_t attribute) {
  const H5Handle space = h5_own(H5Aget_space(attribute), "attribute");
  return H5Sget_simple_extent_npoints(space) == 1;
}

}  // namespace

std::string h5_read_text(hid_t location, const std::string& name) {
  if (H5Aexists(location, name.c_str()) <= 0) return "";
  const H5Handle attribute = h5_own(H5Aopen(location, name.c_str(), H5P_DEFAULT), "attribute " + name);
  const H5Handle type = h5_own(H5Aget_type(attribute), "attribute " + name);
  if (H5Tget_class(type) != H5T_STRING || !is_single(attribute)) return "";
  if (H5Tis_variable_str(type) > 0) {
    char* text = nullptr;
    h5_check(H5Aread(attribute, type, &text), "attribute " + name);
    std::string value(text ? text : "");
    H5free_memory(text);
    return value;
  }
  return h5_read_fixed_text(location, name);
}

void h5_write_fixed_text(hid_t location, const std::string& name, const std::string& value) {
  const H5Handle type = h5_own(H5Tcopy(H5T_C_S1), "string type");
  h5_check(H5Tset_size(type, value.size() + 1), "string type");
  h5_check(H5Tset_cset(type, H5T_CSET_UTF8), "string type");
  write_scalar(location, name, type, value.c_str());
}

std::string h5_read_fixed_text(hid_t location, const std::string& name) {
  if (H5Aexists(location, name.c_str()) <= 0) return "";
  const H5Handle attribute = h5_own(H5Aopen(location, name.c_str(), H5P_DEFAULT), "attribute " + name);
  const H5Handle type = h5_own(H5Aget_type(attribute), "attribute " + name);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0 || !is_single(attribute)) return "";
  std::string value(H5Tget_size(type), '\0');
  h5_check(H5Aread(attribute, type, value.data()), "attribute " + name);
  return value.substr(0, value.find('\0'));
}

double h5_read_number(hid_t location, const std::string& name, double fallback) {
  if (H5Aexists(location, name.c_str()) <= 0) return fallback;
  const H5Handle attribute = h5_own(H5Aopen(location, name.c_str(), H5P_DEFAULT), "attribute " + name);
  double value = fallback;
  if (!is_single(attribute)) return fallback;
  if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0) return fallback;
  return value;
}

}  // namespace mano
