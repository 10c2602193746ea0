#pragma once
// Dataset files: permeability and pressure of N samples on one grid, in HDF5. The layout is docs/dataset_format.md.
//
//   /permeability, /pressure          float32 or float64 [N, ny, nx], one sample a chunk, deflate, Fletcher-32;
//                                     of volumes [N, nz, ny, nx], layers downwards, with /z-coordinate, in a file of version 2
//   /active                           uint8 [N, ny, nx], 1 active, 0 inactive; absent where all are active
//   /wells                            float64 [N, W, 5], x, y, rate, pressure, radius; only where each sample has wells of its own,
//                                     in a file of version 3
//   /x-coordinate, /y-coordinate      float64 [nx], [ny]
//   /seed, /sample, /iterations, /residual, /solver   [N]
//   /nu, /coeff, /x, /sol, /y, /tensor   the same bytes under the names that other programs read
//
// Of a displacement in time (displacement/simulator.hpp) there are instead, at T times that all samples share:
//
//   /saturation, /pressure            float32 or float64 [N, T, ny, nx], one sample a chunk
//   /time                             float64 [T], pore volumes injected
//   /water_cut, /recovery, /elapsed_time   float64 [N, T]
//   /breakthrough                     float64 [N]

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/field.hpp"
#include "core/placed_well.hpp"
#include "core/units.hpp"

namespace mano {

inline constexpr const char* kDatasetSchema = "mano.darcy";
inline constexpr int kDatasetSchemaVersion = 1;
inline constexpr int kVolumeSchemaVersion = 2;  ///< of files of volumes, which programs of version 1 refuse
inline constexpr int kWellsSchemaVersion = 3;   ///< of files in which each sample has wells of its own
inline constexpr const char* kUnknownProblem =
    "unknown";  ///< imported data: the equation's data are not recorded

inline constexpr const char* kCustomProblem =
    "custom";  ///< then a hash: a named one changed by options of the configuration

/// A displacement in time: the default one, or, with a hash after it, another (DatasetInfo::displacement says what it is).
inline constexpr const char* kDisplacementProblem = "displacement";

inline bool is_displacement(const std::string& problem_name) {
  return problem_name.starts_with(kDisplacementProblem);
}

/// make_problem() can make the problem from the name and the permeability alone.
inline bool is_named_problem(const std::string& problem_name) {
  return problem_name != kUnknownProblem && !problem_name.starts_with(kCustomProblem) &&
         !is_displacement(problem_name);
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
  std::vector<double> times =
      {};  ///< of a displacement, in pore volumes injected, rising; empty for steady flow
  std::string displacement = {};  ///< JSON: fluids, wells and all else that a new simulation needs
  std::size_t most_wells = 0;     ///< that a sample has of its own; 0 where all samples share the problem's
};

/// Of its file.
inline int schema_version(const DatasetInfo& info) {
  if (info.most_wells > 0) return kWellsSchemaVersion;
  return info.grid.flat() ? kDatasetSchemaVersion : kVolumeSchemaVersion;
}

/// A displacement, one entry for each of DatasetInfo::times; empty for steady flow.
struct History {
  std::vector<Field>
      saturation;  ///< of the injected fluid; not a number in inactive cells of the file, 0 here
  std::vector<Field> pressure;
  std::vector<double> water_cut;     ///< the injected fluid's part of what leaves
  std::vector<double> recovery;      ///< displaced fluid produced, over what there was
  std::vector<double> elapsed_time;  ///< pore volume over rate: days in metric and field units
  double breakthrough =
      std::numeric_limits<double>::quiet_NaN();  ///< pore volumes injected; not a number where there is none
};

struct Sample {
  Field permeability;
  Field pressure;  ///< of steady flow; empty for a displacement
  std::uint64_t seed = 0;
  std::uint64_t number = 0;  ///< which sample of the seed
  int iterations = 0;
  double residual = 0.0;               ///< true relative residual
  std::string solver;                  ///< method that found the pressure, 16 bytes at most
  CellMask active = {};                ///< in the others the pressure is not a number in the file and 0 here
  History history = {};                ///< of a displacement
  std::vector<PlacedWell> wells = {};  ///< of its own, beside those of the problem
};

/// For those who take all cells as active. Throws InvalidInput naming `where`, unless they are.
void refuse_inactive(bool has_inactive, const std::string& where);

/// Which datasets a reader takes: what knows steady flow alone must not take the first of many times for it, nor what knows flat grids alone
/// the layers of a volume for times or samples. `any` takes volumes too, the others do not.
enum class DatasetKind { steady, displacement, any };

/// Reads a dataset. Every error names the file and what is wrong in it.
class DatasetReader {
 public:
  /// Throws InvalidInput where the file is missing, not HDF5, truncated, of another schema, of a wrong shape or of another kind.
  explicit DatasetReader(const std::filesystem::path& path, DatasetKind kind = DatasetKind::steady);
  ~DatasetReader();
  DatasetReader(DatasetReader&&) noexcept;
  DatasetReader& operator=(DatasetReader&&) noexcept;

  const DatasetInfo& info() const;
  const std::filesystem::path& path() const;
  void refuse_inactive() const { mano::refuse_inactive(info().has_inactive, path().string()); }
  /// For those who need solutions. Throws InvalidInput for a dataset that `mano predict` wrote.
  void refuse_predicted() const;
  std::optional<std::string> predicted_by() const;  ///< the model, of predictions
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

}  // namespace mano
