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

std::string entry(const SafetensorsFile& file, const std::string& key, const std::string& where) {
  const auto found = file.metadata.find(key);
  check(found != file.metadata.end(), "{} is not a training state: '{}' is missing", where, key);
  return found->second;
}

TrainingState counters_of(const SafetensorsFile& file, const std::string& fingerprint,
                          const std::string& where) {
  check(entry(file, "schema", where) == kStateSchema, "{} is not a training state", where);
  check(entry(file, "fingerprint", where) == fingerprint,
        "{} belongs to a run with other data, architecture or options: repeat those, or train into another "
        "folder",
        where);
  try {
    const json c = json::parse(entry(file, "counters", where));
    return {c.at("stage"), c.at("epoch"), c.at("step"), c.at("best_epoch"), c.at("best_l2"), c.at("seconds")};
  } catch (const json::exception& e) {
    throw InvalidInput(fmt::format("{}: counters are damaged: {}", where, e.what()));
  }
}

}  // namespace

void save_training_state(const std::filesystem::path& path, const TrainingState& state,
                         const Network& network, torch::optim::AdamW& optimizer,
                         const std::vector<torch::Tensor>& average, const std::string& fingerprint) {
  SafetensorsFile file;
  const json counters{{"stage", state.stage},     {"epoch", state.epoch},
                      {"step", state.step},       {"best_epoch", state.best_epoch},
                      {"best_l2", state.best_l2}, {"seconds", state.seconds}};
  file.metadata = {{"schema", kStateSchema}, {"counters", counters.dump()}, {"fingerprint", fingerprint}};
  std::size_t at = 0;
  for (const auto& [name, parameter] : network.named_parameters()) {
    file.tensors["parameter." + name] = store(parameter);
    file.tensors["average." + name] = store(average.at(at++));
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

TrainingState load_training_state(const std::filesystem::path& path, Network& network,
                                  torch::optim::AdamW& optimizer, std::vector<torch::Tensor>& average,
                                  const std::string& fingerprint) {
  const std::string where = path.string();
  const SafetensorsFile file = read_safetensors(path);
  const TrainingState state = counters_of(file, fingerprint, where);
  load_parameters(network, file, "parameter.", where);
  average.clear();
  for (const auto& [name, parameter] : network.named_parameters()) {
    const auto kept = file.tensors.find("average." + name);
    check(kept != file.tensors.end() && at::IntArrayRef(kept->second.shape) == parameter.sizes(),
          "{}: tensor 'average.{}' is missing or of a wrong shape", where, name);
    average.push_back(restore(kept->second).to(parameter.options().requires_grad(false)));
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

TrainingState load_counters(const std::filesystem::path& path, const std::string& fingerprint) {
  return counters_of(read_safetensors(path), fingerprint, path.string());
}

}  // namespace mano
