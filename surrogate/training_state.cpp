#include "surrogate/training_state.hpp"

#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "surrogate/checkpoint.hpp"

namespace mano {

using nlohmann::json;
using torch::optim::AdamWParamState;

namespace {

constexpr const char* kStateSchema = "mano.training-state";

// The optimiser keeps its moments by the address of the parameter.
void* key_of(const torch::Tensor& parameter) {
  return parameter.unsafeGetTensorImpl();
}

}  // namespace

void save_training_state(const std::filesystem::path& path, const TrainingState& state,
                         const MultipoleModel& model, torch::optim::AdamW& optimizer,
                         const std::string& fingerprint) {
  SafetensorsFile file;
  const json counters{{"epoch", state.epoch},
                      {"step", state.step},
                      {"best_epoch", state.best_epoch},
                      {"best_l2", state.best_l2},
                      {"seconds", state.seconds}};
  file.metadata = {{"schema", kStateSchema}, {"counters", counters.dump()}, {"fingerprint", fingerprint}};
  for (const auto& [name, parameter] : model.named_parameters()) {
    file.tensors["parameter." + name] = store(parameter);
    // A parameter that has had no gradient yet (down and up on a grid of one level) has no moments.
    const auto found = optimizer.state().find(key_of(parameter));
    if (found == optimizer.state().end()) continue;
    const auto& moments = static_cast<AdamWParamState&>(*found->second);
    file.tensors["step." + name] = store(torch::tensor(moments.step(), torch::kLong));
    file.tensors["exp_avg." + name] = store(moments.exp_avg());
    file.tensors["exp_avg_sq." + name] = store(moments.exp_avg_sq());
  }
  write_safetensors(path, file);
}

TrainingState load_training_state(const std::filesystem::path& path, MultipoleModel& model,
                                  torch::optim::AdamW& optimizer, const std::string& fingerprint) {
  const std::string where = path.string();
  const SafetensorsFile file = read_safetensors(path);
  const auto entry = [&](const std::string& key) {
    const auto found = file.metadata.find(key);
    check(found != file.metadata.end(), "{} is not a training state: '{}' is missing", where, key);
    return found->second;
  };
  check(entry("schema") == kStateSchema, "{} is not a training state", where);
  check(entry("fingerprint") == fingerprint,
        "{} belongs to a run with other data, architecture or options: repeat those, or train into another "
        "folder",
        where);
  TrainingState state;
  try {
    const json c = json::parse(entry("counters"));
    state = {c.at("epoch"), c.at("step"), c.at("best_epoch"), c.at("best_l2"), c.at("seconds")};
  } catch (const json::exception& e) {
    throw InvalidInput(fmt::format("{}: counters are damaged: {}", where, e.what()));
  }
  load_parameters(model, file, "parameter.", where);
  for (const auto& [name, parameter] : model.named_parameters()) {
    if (!file.tensors.contains("step." + name)) continue;
    const auto tensor = [&](const std::string& which, at::IntArrayRef shape) {
      const auto found = file.tensors.find(which + name);
      check(found != file.tensors.end() && at::IntArrayRef(found->second.shape) == shape,
            "{}: tensor '{}{}' is missing or of a wrong shape", where, which, name);
      return restore(found->second);
    };
    auto moments = std::make_unique<AdamWParamState>();
    moments->step(tensor("step.", {}).item<std::int64_t>());
    moments->exp_avg(tensor("exp_avg.", parameter.sizes()).to(parameter.options()));
    moments->exp_avg_sq(tensor("exp_avg_sq.", parameter.sizes()).to(parameter.options()));
    optimizer.state()[key_of(parameter)] = std::move(moments);
  }
  return state;
}

}  // namespace mano
