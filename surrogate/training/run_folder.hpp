#pragma once
// The folder of a run: what lies where in it, and whether training may begin or go on there. Private to surrogate/.

#include <filesystem>
#include <string>

#include "core/folder_lock.hpp"
#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/training/train_request.hpp"
#include "surrogate/training/training_state.hpp"

namespace mano {

std::filesystem::path model_path(const TrainRequest& request);
std::filesystem::path state_path(const TrainRequest& request);
std::filesystem::path log_path(const TrainRequest& request);

/// Makes the folder, holds it by `lock`, and empties it of another run where the request says so and of what a kill left half-written.
/// `own` is the card of the model that the request trains. Throws InvalidInput where the folder cannot be used or another training is at
/// work in it. begun_anew: the request is to resume, but what is there was stopped within its first epoch.
enum class PreparedRun { begins, resumes, begun_anew };
PreparedRun prepare_run(const TrainRequest& request, const ModelCard& own, FolderLock& lock);

/// Throws InvalidInput unless the model in the folder is that of the training whose state lies beside it, as far as both tell.
void check_model_of_state(const TrainRequest& request, const ModelCard& own, const TrainingState& state);

/// What must be the same when training goes on: the batch and the number of processes may change where their product stays.
std::string fingerprint(const TrainRequest& request, const ModelCard& card, int processes);

}  // namespace mano
