#include "surrogate/training/training_state.hpp"

#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

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

// The names of what two fingerprints do not share.
std::vector<std::string> differences(const std::string& a, const std::string& b) {
  if (a == b) return {};
  const json one = json::parse(a, nullptr, false), other = json::parse(b, nullptr, false);
  if (!one.is_object() || !other.is_object()) return {"options"};
  std::set<std::string> names;
  for (const auto& [from, to] : {std::pair(&one, &other), std::pair(&other, &one)}) {
    for (const auto& [name, value] : from->items())
      if (!to->contains(name) || to->at(name) != value) names.insert(name);
  }
  return {names.begin(), names.end()};
}

TrainingState counters_of(const SafetensorsFile& file, const std::string& fingerprint,
                          const std::string& where) {
  check(entry(file, "schema", where) == kStateSchema, "{} is not a training state", where);
  const auto others = differences(renewed(entry(file, "fingerprint", where)), fingerprint);
  check(others.empty(),
        "{} belongs to a run with other {}: repeat what it was given, or train into another folder", where,
        fmt::join(others, ", "));
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
