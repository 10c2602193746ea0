#pragma once
// Values of samples on disk, so that a run that is killed goes on and ranks see each other's work.
//
// OUTPUT.part/ holds
//   lock                 held by the run that works on it
//   configuration.json   what was asked for; another request for the same output is refused
//   samples-R.bin        blocks of samples, appended by rank R: stream of the term, number of the block, samples, quantities, values,
//                        processor seconds, a hash. A block that a kill cut off does not count, nor does what follows it.
// A block's values depend on its term and number alone, and statistics are taken of all blocks in their order: the same numbers on any
// number of ranks, whatever was killed on the way.

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

#include "apps/ensemble/hierarchy.hpp"

namespace mano {

/// Processor seconds of a term's samples.
struct TermSeconds {
  std::size_t samples = 0;
  double field = 0.0, fine = 0.0, coarse = 0.0;
  double all() const { return field + fine + coarse; }
  void add(const TermSeconds& more) {
    samples += more.samples;
    field += more.field;
    fine += more.fine;
    coarse += more.coarse;
  }
};

class SampleStore {
 public:
  SampleStore(std::filesystem::path folder, int rank) : folder_(std::move(folder)), rank_(rank) {}

  /// Appends a block to this rank's file. Throws RunFailed.
  void append(const Term& term, std::uint64_t block, const std::vector<TermValues>& values);
  /// Takes in what ranks have appended since the last time.
  void read();

  bool has(const Term& term, std::uint64_t block) const;
  /// Of the blocks below `end` that are there, by their numbers; [quantity].
  const std::vector<LevelSamples>& values(const Term& term, int quantities, std::uint64_t end);
  TermSeconds seconds(const Term& term) const;
  TermSeconds seconds() const;  ///< of all terms

 private:
  struct Block {
    std::size_t samples = 0;
    std::vector<double> values;  // [sample][quantity][fine, coarse where there is one]
    TermSeconds seconds;
  };
  struct TermBlocks {
    std::map<std::uint64_t, Block> blocks;
    std::vector<LevelSamples> joined;
    std::uint64_t joined_to = 0;  // 0 where not
  };
  void read_file(const std::filesystem::path& path);
  bool read_block(const std::string& bytes, std::size_t& at);

  std::filesystem::path folder_;
  int rank_;
  std::map<std::uint64_t, TermBlocks> terms_;  // by stream
  std::map<std::string, std::uint64_t> positions_;
};

}  // namespace mano
