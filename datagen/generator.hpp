#pragma once
// Generates a dataset in shards, so that a run that is killed at any moment loses at most the shards in flight: of each rank
// the one that is computed and the one that is on its way to the disk.
//
// NAME.h5.part/ holds
//   lock                     held by the run that works on it; a second one is refused
//   configuration.json       what was asked for; another request for the same file is refused
//   shard-000012-64x64.h5    samples of one shard at one resolution: written, closed, fsynced, renamed
//   manifest-R.jsonl         one line a finished shard, appended by rank R: hashes of its files, largest residual
// When all shards are there they are merged into NAME.h5 (and NAME-32x32.h5 for each further resolution), which appears
// by rename. A shard's contents depend on its number alone, never on the number of ranks or on what went before.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/folder_lock.hpp"
#include "datagen/dataset.hpp"
#include "datagen/random_field.hpp"

namespace mano {

struct GenerateRequest {
  std::filesystem::path output;
  std::vector<Grid> grids;  ///< the first goes to `output`, the others to output_path()
  std::size_t samples = 0;
  std::uint64_t first = 0;  ///< number of the first sample: independent jobs share one seed
  std::uint64_t seed = 0;
  std::string problem_name;
  std::string field;         ///< kind, for the file's attribute
  double tolerance = 1e-10;  ///< asked for; a file tells the one that was reached
  bool single_precision = false;
  bool has_inactive = false;  ///< samples may have inactive cells
  Units units;
  std::vector<double> times = {};  ///< of a displacement, as in DatasetInfo
  std::string displacement = {};
  std::size_t most_wells = 0;  ///< as in DatasetInfo
  bool overwrite = false;
  std::string configuration;  ///< whole configuration, JSON: stored, and compared when a run goes on
};

/// A solution and what verification says of it; nothing is stored unless `rejection` is empty.
struct VerifiedSolution {
  Field pressure;  ///< of steady flow
  int iterations = 0;
  double relative_residual = 0.0;
  std::string rejection;
  std::string method;    ///< that found it
  History history = {};  ///< of a displacement
};

struct GenerateCallbacks {
  /// Permeability and active cells of a sample.
  std::function<Sample(std::uint64_t number, const Grid& grid)> draw;
  /// May make further cells inactive.
  std::function<VerifiedSolution(Sample& sample)> solve;
  std::function<void(std::size_t finished)> progress;  ///< samples finished by all ranks, seen from this one
};

struct GenerateTimes {
  double solving = 0.0;  ///< seconds, fields included
  double writing = 0.0;
};

/// Name of the file for grid number `g` of the request.
std::filesystem::path output_path(const GenerateRequest& request, std::size_t g);

/// Samples in one shard, from the request alone.
std::size_t shard_size(const GenerateRequest& request);

/// Of the folder of shards. prepare_generation() takes it for rank 0, the other ranks share it afterwards.
class GenerationLock : public FolderLock {
 public:
  void share(const GenerateRequest& request);
};

/// Rank 0, before all others: makes or checks the folder of shards, and removes what a kill left half-written. `complete`
/// where all files of this very request are there already. Throws InvalidInput where an output exists already, or the folder
/// belongs to another request that finished a shard or to a run that is still at work, holds what no generation put there, or cannot
/// be written, or where the disk has surely no room.
enum class Prepared { to_generate, complete };
Prepared prepare_generation(const GenerateRequest& request, GenerationLock& lock);

/// Every rank: computes the missing shards number rank, rank + ranks, ... Throws RunFailed for a solution that is
/// rejected and Interrupted where a signal came; both leave the finished shards.
GenerateTimes generate_shards(const GenerateRequest& request, const GenerateCallbacks& callbacks, int rank,
                              int ranks);

/// Rank 0, after all others: merges the shards into the final files and removes the folder.
void merge_shards(const GenerateRequest& request);

}  // namespace mano
