#pragma once
// Arrays of others in HDF5: [ny, nx], [N, ny, nx] or [N, 1, ny, nx], of any integer or floating-point type.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/field.hpp"

namespace mano {

class ArrayReader {
 public:
  /// Opens `name` of an HDF5 file; where `name` is empty, the first of `usual` that exists. Throws InvalidInput.
  ArrayReader(const std::filesystem::path& path, const std::string& name,
              const std::vector<std::string>& usual);
  ~ArrayReader();

  std::size_t samples() const;
  Grid grid() const;  ///< on the unit square
  std::string name() const;
  Field read(std::size_t sample) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Names under which permeability and pressure are looked for.
extern const std::vector<std::string> kPermeabilityNames;
extern const std::vector<std::string> kPressureNames;

bool is_hdf5(const std::filesystem::path& path);

}  // namespace mano
