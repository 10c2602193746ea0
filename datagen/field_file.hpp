#pragma once
// Arrays of others in HDF5, of any integer or floating-point type, with the axes of datagen/array_axes.hpp.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/field.hpp"
#include "datagen/array_axes.hpp"

namespace mano {

class ArrayReader {
 public:
  /// Opens `name` of an HDF5 file; where `name` is empty, the first of `usual` that exists. Throws InvalidInput where it is missing, no array
  /// of numbers, of other axes, compressed with a filter that is not there, incomplete, or packed.
  ArrayReader(const std::filesystem::path& path, const std::string& name,
              const std::vector<std::string>& usual, const ArrayOptions& options = {});
  ~ArrayReader();

  std::size_t samples() const;
  Grid grid() const;  ///< on the unit square, or the unit cube
  std::string name() const;
  bool has_time() const;
  bool is_ours() const;             ///< in a mano dataset, which knows more of its fields than an array does
  std::string description() const;  ///< for people: "'coeff': shape [64, 64, 100], axes x,y,n"
  /// Values that the file marks as missing (_FillValue, missing_value) are not a number.
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
