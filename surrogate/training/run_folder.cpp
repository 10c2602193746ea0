#include "surrogate/training/run_folder.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/files.hpp"

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

void prepare_run(const TrainRequest& r) {
  const bool used = fs::exists(model_path(r)) || fs::exists(state_path(r));
  check(!r.resume || used, "{} holds nothing to resume: leave --resume out", r.run.string());
  check(!used || r.overwrite || (r.resume && fs::exists(state_path(r))), "{} holds a model already, {}",
        r.run.string(),
        fs::exists(state_path(r)) ? "pass --resume to go on, or --overwrite to begin anew"
                                  : "but no finished epoch to resume: pass --overwrite to begin anew");
  std::error_code error;
  fs::create_directories(r.run, error);
  check(!error, "cannot make the folder {}: {}", r.run.string(), error.message());
  check_writable(model_path(r));
  if (r.resume || !used) return;
  // What the program adds to a run tells of the model that goes.
  for (const char* name :
       {"model.safetensors", "state.safetensors", "log.jsonl", "config.toml", "curve.png", "evaluation.json"})
    fs::remove(r.run / name);
}

std::string fingerprint(const TrainRequest& r, const ModelCard& card) {
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
                  {"classify", r.classify}};
  // Older runs have no such entries.
  if (r.exchange) all["exchange"] = true;
  if (r.optimizer != OptimizerKind::adamw) all["optimizer"] = "muon";
  return all.dump();
}

void cut_log(const fs::path& path, int stage, int epochs) {
  std::string kept;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, false);
    if (entry.is_discarded()) continue;
    const int of_stage = entry.value("stage", "base") == "refinement" ? 1 : 0;
    if (of_stage < stage || (of_stage == stage && entry.value("epoch", 0) <= epochs)) kept += line + "\n";
  }
  write_text_atomically(path, kept);
}

}  // namespace mano
