#include "surrogate/training/run_folder.hpp"

#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.hpp"
#include "core/files.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/training/training_log.hpp"

namespace mano {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path model_path(const TrainRequest& r) {
  return r.run / "model.safetensors";
}
fs::path state_path(const TrainRequest& r) {
  return r.run / "state.safetensors";
}
fs::path log_path(const TrainRequest& r) {
  return r.run / "log.jsonl";
}

namespace {

fs::path config_path(const TrainRequest& r) {
  return r.run / "config.toml";  // the program writes it
}

// What tells of a model, of the program as well.
constexpr std::array kOfAModel{"model.safetensors", "state.safetensors", "log.jsonl",
                               "curve.png",         "evaluation.json",   "config.toml"};

ModelCard kept_card(const TrainRequest& r) {
  return card_from_metadata(read_safetensors(model_path(r)).metadata, model_path(r).string());
}

std::vector<std::string> hashes(const ModelCard& card) {
  std::vector<std::string> all;
  for (const TrainingData& d : card.data) all.push_back(d.hash);
  return all;
}

// In what a model in the folder is not the one that the request trains, in words.
std::vector<std::string> differences(const ModelCard& kept, const ModelCard& own, const TrainRequest& r) {
  std::vector<std::string> others;
  if (to_json(kept.architecture) != to_json(own.architecture)) others.emplace_back("architecture");
  if (kept.refinement && to_json(*kept.refinement) != to_json(r.refinement_architecture))
    others.emplace_back("architecture of the refinement");
  if (hashes(kept) != hashes(own)) others.emplace_back("data");
  if (kept.seed && kept.seed != own.seed)
    others.push_back(fmt::format("seed ({} in place of {})", *kept.seed, *own.seed));
  return others;
}

// A kill, or a full disk, came within the first epoch of this very training: nothing in the folder is finished.
bool stopped_in_first_epoch(const TrainRequest& r, const ModelCard& own) {
  if (fs::exists(state_path(r)) || !fs::exists(config_path(r))) return false;
  if (read_log(log_path(r)).size() > 1) return false;
  if (!fs::exists(model_path(r))) return true;
  const ModelCard kept = kept_card(r);
  return kept.epoch == 1 && kept.calibrations.empty() && kept.cycle_errors.empty() &&
         differences(kept, own, r).empty();
}

// Of the base's state, where its model is older or newer than it: a kill comes between the two at most an epoch ahead.
bool of_epoch(const ModelCard& kept, const TrainingState& state) {
  // The end of a training measures the error anew, and older ones do not tell whether they have ended.
  const bool error_known =
      kept.seed && kept.calibrations.empty() && kept.cycle_errors.empty() && !kept.history;
  if (kept.epoch == state.best_epoch && (!error_known || kept.validation_l2 == state.best_l2)) return true;
  return kept.epoch == state.epoch + 1 && (!error_known || kept.validation_l2 < state.best_l2);
}

// What the request finds in the folder. Throws InvalidInput where it must not go on with that.
PreparedRun found_in(const TrainRequest& r, const ModelCard& own) {
  const bool has_state = fs::exists(state_path(r)), used = has_state || fs::exists(model_path(r));
  const bool anew = r.resume && stopped_in_first_epoch(r, own);
  check(!r.resume || used || anew, "{} holds nothing to resume: leave --resume out", r.run.string());
  check(!used || r.overwrite || anew || (r.resume && has_state), "{} holds a model already, {}",
        r.run.string(),
        has_state ? "pass --resume to go on, or --overwrite to begin anew"
                  : "but no finished epoch to resume: pass --overwrite to begin anew");
  return anew ? PreparedRun::begun_anew : r.resume ? PreparedRun::resumes : PreparedRun::begins;
}

}  // namespace

PreparedRun prepare_run(const TrainRequest& r, const ModelCard& own, FolderLock& lock) {
  // A folder that is refused stays as it is, without a lock where it had none.
  if (!fs::exists(r.run / "lock")) found_in(r, own);
  std::error_code error;
  fs::create_directories(r.run, error);
  check(!error, "cannot make the folder {}: {}", r.run.string(), error.message());
  lock.take(r.run, r.run, "mano train");
  const PreparedRun found = found_in(r, own);
  check_writable(model_path(r));
  for (const char* name : kOfAModel) {
    remove_temporaries_of(r.run / name);
    // The configuration tells whose folder it is, also where a kill comes before it is written anew.
    const bool goes = found == PreparedRun::begins ? r.overwrite : found == PreparedRun::begun_anew;
    if (goes && !(found == PreparedRun::begun_anew && r.run / name == config_path(r)))
      fs::remove(r.run / name);
  }
  return found;
}

void check_model_of_state(const TrainRequest& r, const ModelCard& own, const TrainingState& state) {
  const std::string model = model_path(r).string(), file = state_path(r).filename().string();
  check(fs::exists(model_path(r)),
        "{} is missing, {} alone does not tell the best epoch: put it back, or pass --overwrite in place of "
        "--resume to begin anew",
        model, file);
  const ModelCard kept = kept_card(r);
  auto others = differences(kept, own, r);
  if (state.stage == 0 && !of_epoch(kept, state))
    others.push_back(fmt::format("best epoch ({} with error {:.6g} in place of {} with {:.6g})", kept.epoch,
                                 kept.validation_l2, state.best_epoch, state.best_l2));
  check(others.empty(),
        "{} is not of the training of {} beside it, it has another {}: put that model back, or pass "
        "--overwrite in place of --resume to begin anew",
        model, file, fmt::join(others, ", "));
}

std::string fingerprint(const TrainRequest& r, const ModelCard& card, int processes) {
  json data = json::array();
  for (const auto& d : card.data) data.push_back(d.hash);
  json all = json{{"architecture", json::parse(to_json(r.architecture))},
                  {"refinement_architecture", json::parse(to_json(r.refinement_architecture))},
                  {"data", data},
                  {"epochs", r.epochs},
                  {"refine_epochs", r.refine_epochs},
                  {"correction_steps", r.correction_steps},
                  {"cycles", r.cycles},
                  {"coarsening", r.coarsening},
                  {"refinement", r.refinement},
                  {"symmetry", r.symmetry},
                  {"learning_rate", learning_rate(r)},
                  {"weight_decay", weight_decay(r)},
                  {"warm_up", r.warm_up},
                  {"gradient_clip", r.gradient_clip},
                  {"held_out", r.held_out},
                  {"seed", r.seed},
                  {"bfloat16", r.bfloat16},
                  {"classify", r.classify},
                  {kSamplesAStep, r.batch * r.accumulate * processes}};
  // Older runs have no such entries.
  if (r.exchange) all["exchange"] = true;
  if (r.optimizer != OptimizerKind::adamw) all["optimizer"] = "muon";
  return all.dump();
}

}  // namespace mano
