#pragma once
// Dataset files: permeability and pressure of N samples on one grid, in HDF5. The layout is docs/dataset_format.md.
//
//   /permeability, /pressure          float32 or float64 [N, ny, nx], one sample a chunk, deflate, Fletcher-32
//   /active                           uint8 [N, ny, nx], 1 active, 0 inactive; absent where all are active
//   /x-coordinate, /y-coordinate      float64 [nx], [ny]
//   /seed, /sample, /iterations, /residual, /solver   [N]
//   /nu, /coeff, /x, /sol, /y, /tensor   the same bytes under the names that other programs read

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/field.hpp"
#include "core/units.hpp"

namespace mano {

inline constexpr const char* kDatasetSchema = "mano.darcy";
inline constexpr int kDatasetSchemaVersion = 1;
inline constexpr const char* kUnknownProblem =
    "unknown";  ///< imported data: the equation's data are not recorded

inline constexpr const char* kCustomProblem =
    "custom";  ///< then a hash: a named one changed by options of the configuration

/// make_problem() can make the problem from the name and the permeability alone.
inline bool is_named_problem(const std::string& problem_name) {
  return problem_name != kUnknownProblem && !problem_name.starts_with(kCustomProblem);
}

struct DatasetInfo {
  Grid grid;
  std::size_t samples = 0;
  Location location = Location::cell;
  std::string problem_name = kUnknownProblem;
  std::string field;          ///< kind of permeability field
  std::string configuration;  ///< whole configuration of the run that made it, JSON
  std::string version;        ///< of the program that wrote it
  double tolerance = 0.0;     ///< on the true relative residual; 0 where unknown
  bool single_precision = false;
  bool has_inactive = false;  ///< some cells are: /active says which
  Units units;                ///< of permeability, pressure and lengths
};

struct Sample {
  Field permeability;
  Field pressure;
  std::uint64_t seed = 0;
  std::uint64_t number = 0;  ///< which sample of the seed
  int iterations = 0;
  double residual = 0.0;  ///< true relative residual
  std::string solver;     ///< method that found the pressure, 16 bytes at most
  CellMask active = {};   ///< in the others the pressure is not a number in the file and 0 here
};

/// For those who take all cells as active. Throws InvalidInput naming `where`, unless they are.
void refuse_inactive(bool has_inactive, const std::string& where);

/// Reads a dataset. Every error names the file and what is wrong in it.
class DatasetReader {
 public:
  /// Throws InvalidInput where the file is missing, not HDF5, truncated, of another schema, or of a wrong shape.
  explicit DatasetReader(const std::filesystem::path& path);
  ~DatasetReader();
  DatasetReader(DatasetReader&&) noexcept;
  DatasetReader& operator=(DatasetReader&&) noexcept;

  const DatasetInfo& info() const;
  const std::filesystem::path& path() const;
  void refuse_inactive() const { mano::refuse_inactive(info().has_inactive, path().string()); }
  /// Throws InvalidInput for an index out of range, values that fail their checksum, or that are not finite in active cells.
  Sample read(std::size_t index) const;
  /// Seed, number, iterations and residual alone; the fields stay empty.
  Sample read_numbers(std::size_t index) const;

 private:
  friend class DatasetWriter;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes a dataset of a known number of samples, in any order. The caller provides atomicity (core/files.hpp).
class DatasetWriter {
 public:
  DatasetWriter(const std::filesystem::path& path, const DatasetInfo& info);
  ~DatasetWriter();

  void write(std::size_t index, const Sample& sample);
  /// One more field or number of a sample, under a name of its own. The fields of one name share a grid, which may be another than
  /// the dataset's; samples that are not written hold zeros.
  /// `unit` is stored with the array where it is not empty.
  void add(const std::string& name, std::size_t index, const Field& field, const std::string& unit = "");
  void add(const std::string& name, std::size_t index, double value);
  /// Copies all samples of `shard`, compressed as they are, to index and following.
  void copy(std::size_t index, const DatasetReader& shard);
  /// Closes the file; throws RunFailed where something could not be written.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// XXH3-64 of a text.
std::uint64_t text_hash(const std::string& text);
/// XXH3-128 of a file's bytes, in hexadecimal.
std::string file_hash(const std::filesystem::path& path);

}  // namespace mano
