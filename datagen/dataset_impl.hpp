#pragma once
// What reader and writer share. Private to datagen/.

#include "datagen/dataset.hpp"
#include "datagen/hdf5_handle.hpp"

namespace mano {

/// Names of solvers are text of this many bytes, filled up with zeros.
inline constexpr std::size_t kSolverNameSize = 16;
H5Handle solver_type();

/// Numbers that /wells holds of a well (PlacedWell::numbers). What is not given is not a number, rows beyond the last well altogether.
inline constexpr std::size_t kWellNumbers = std::tuple_size_v<PlacedWell::Numbers>;

/// Layers of a volume in a chunk: as many as 4 MB of float64 hold, so that a reader of one layer does not unpack a large volume.
int layers_in_chunk(const Grid& grid);

/// Attribute that holds all of DatasetInfo as JSON.
inline constexpr const char* kInfoAttribute = "mano";

struct DatasetReader::Impl {
  std::filesystem::path path;
  H5Handle file;
  H5Handle permeability;
  H5Handle pressure;
  H5Handle active;      // where there is one
  H5Handle saturation;  // of a displacement
  H5Handle wells;       // where each sample has its own
  DatasetInfo info;

  void open(const std::string& name, DatasetKind kind);
  void open_history(const std::string& name);
  void open_wells(const std::string& name);
  // dataset_sample.cpp
  Sample read(std::size_t index) const;
  Sample read_numbers(std::size_t index) const;
  CellMask read_active(std::size_t index) const;
  std::vector<PlacedWell> read_wells(std::size_t index) const;
  History read_curves(std::size_t index) const;  // without the fields
  std::vector<Field> read_fields(hid_t dataset, const char* name, std::size_t index, const CellMask& active,
                                 std::size_t count) const;
  std::vector<double> read_values(hid_t dataset, const char* name, std::size_t index,
                                  std::size_t count) const;
  void check_written(hid_t dataset, const char* name, std::size_t index) const;
};

}  // namespace mano
