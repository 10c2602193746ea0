#pragma once
// The objects of a dataset file (docs/dataset_format.md): shapes, chunks, filters, attributes. Private to datagen/.
//
// Nothing carries a time stamp, so that equal contents are equal files. All throw RunFailed where HDF5 fails.

#include <string>
#include <vector>

#include "datagen/dataset.hpp"
#include "datagen/hdf5_handle.hpp"

namespace mano {

inline constexpr const char* kPoreVolumes = "pore volumes injected";

/// [N, ny, nx], or with times [N, times, ny, nx], one sample a chunk; of volumes [N, nz, ny, nx], some layers of a sample a chunk.
H5Handle create_fields(hid_t file, const char* name, const DatasetInfo& info, const Grid& grid, hid_t type,
                       std::size_t times = 0);
/// The same, of the type that the dataset stores fields in.
H5Handle create_fields(hid_t file, const char* name, const DatasetInfo& info, const Grid& grid,
                       std::size_t times = 0);
/// An array whose first axis is that of the samples, many of them a chunk.
H5Handle create_entries(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& shape);
void write_vector(hid_t file, const char* name, const std::vector<double>& values);
/// /tensor: the pressures as [N, 1, ny, nx], of volumes [N, 1, nz, ny, nx], a virtual view of /pressure in the same file.
void create_tensor_view(hid_t file, const DatasetInfo& info);
/// A second name for the same bytes.
void link(hid_t file, const char* name, const char* alias);
/// What the dataset is: for our reader in one checked text, for people and other programs one by one.
void write_attributes(hid_t file, const DatasetInfo& info);
/// None where `unit` is empty.
void write_unit(hid_t dataset, const std::string& unit);

}  // namespace mano
