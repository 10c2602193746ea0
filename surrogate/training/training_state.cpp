#include "surrogate/training/training_state.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "surrogate/checkpoint/tensor_store.hpp"

namespace mano {

using nlohmann::json;

namespace {

constexpr const char* kStateSchema = "mano.training-state";

std::string entry(const SafetensorsFile& file, const std::string& key, const std::string& where) {
  const auto found = file.metadata.find(key);
  check(found != file.metadata.end(), "{} is not a training state: '{}' is missing", where, key);
  return found->second;
}

// As fingerprints are written now; of two entries the name has changed.
std::string renewed(const std::string& fingerprint) {
  json j = json::parse(fingerprint, nullptr, false);
  if (!j.is_object()) return fingerprint;
  for (const auto& [old_key, key] :
       {std::pair("sweeps", "correction_steps"), std::pair("climbs", "cycles")}) {
    if (!j.contains(old_key)) continue;
    j[key] = j.at(old_key);
    j.erase(old_key);
  }
  return j.dump();
}

TrainingState counters_of(const SafetensorsFile& file, const std::string& fingerprint,
                          const std::string& where) {
  check(entry(file, "schema", where) == kStateSchema, "{} is not a training state", where);
  check(renewed(entry(file, "fingerprint", where)) == fingerprint,
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
                         const Network& network, const Optimizer& optimizer, const std::string& fingerprint) {
  SafetensorsFile file;
  const json counters{{"stage", state.stage},     {"epoch", state.epoch},
                      {"step", state.step},       {"best_epoch", state.best_epoch},
                      {"best_l2", state.best_l2}, {"seconds", state.seconds}};
  file.metadata = {{"schema", kStateSchema}, {"counters", counters.dump()}, {"fingerprint", fingerprint}};
  for (const auto& [name, parameter] : network.named_parameters())
    file.tensors["parameter." + name] = store(parameter);
  optimizer.store_in(file);
  write_safetensors(path, file);
}

TrainingState load_training_state(const std::filesystem::path& path, Network& network, Optimizer& optimizer,
                                  const std::string& fingerprint) {
  const SafetensorsFile file = read_safetensors(path);
  const TrainingState state = counters_of(file, fingerprint, path.string());
  load_parameters(network, file, "parameter.", path.string());
  optimizer.restore_from(file, state.step, path.string());
  return state;
}

TrainingState load_counters(const std::filesystem::path& path, const std::string& fingerprint) {
  return counters_of(read_safetensors(path), fingerprint, path.string());
}

}  // namespace mano
