#pragma once
// The folder of a run: what lies where in it, and whether training may begin or go on there. Private to surrogate/.

#include <filesystem>
#include <string>

#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/training/train_request.hpp"

namespace mano {

std::filesystem::path model_path(const TrainRequest& request);
std::filesystem::path state_path(const TrainRequest& request);
std::filesystem::path log_path(const TrainRequest& request);

/// Makes the folder, and empties it of another run where the request says so. Throws InvalidInput where it cannot be used.
void prepare_run(const TrainRequest& request);

/// What must be the same when training goes on; the batch and the number of processes may change.
std::string fingerprint(const TrainRequest& request, const ModelCard& card);

/// The log up to an epoch of a stage: it may be an epoch ahead of the state.
void cut_log(const std::filesystem::path& path, int stage, int epochs);

}  // namespace mano
