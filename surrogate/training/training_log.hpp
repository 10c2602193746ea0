#pragma once
// RUN/log.jsonl, a line of JSON an epoch. Private to surrogate/.

#include <filesystem>
#include <string>
#include <vector>

#include "surrogate/training/train.hpp"

namespace mano {

struct LoggedEpoch {
  int stage = 0;  ///< as in TrainingState
  int epoch = 0;  ///< of the stage, from 1
  bool best = false;
  double validation = 0.0;  ///< error, of a classifier the cross-entropy
  std::string line;
};

/// Lines that a kill cut are left out; an absent file has none. Throws InvalidInput for a line of JSON that is no epoch, naming it.
std::vector<LoggedEpoch> read_log(const std::filesystem::path& path);

/// The log up to an epoch of a stage: it may be an epoch ahead of the state.
void cut_log(const std::filesystem::path& path, int stage, int epochs);

/// Throws RunFailed where it cannot be written.
void append_log(const std::filesystem::path& path, const EpochReport& report);

}  // namespace mano
