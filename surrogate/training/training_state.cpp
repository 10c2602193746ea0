#include "surrogate/training/training_state.hpp"

#include <fmt/ranges.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "core/error.hpp"
#include "surrogate/checkpoint/tensor_store.hpp"

namespace mano {

using nlohmann::json;

namespace {

constexpr const char* kStateSchema = "mano.training-state";
constexpr int kMostEpochs = 1'000'000'000;

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
      if (name != kSamplesAStep && (!to->contains(name) || to->at(name) != value)) names.insert(name);
  }
  if (one.contains(kSamplesAStep) && other.contains(kSamplesAStep) &&
      one.at(kSamplesAStep) != other.at(kSamplesAStep))
    names.insert(fmt::format("samples a step ({}; --batch times --accumulate times processes is {} now)",
                             one.at(kSamplesAStep).dump(), other.at(kSamplesAStep).dump()));
  return {names.begin(), names.end()};
}

// A whole number of the counters, in its range. Throws InvalidInput.
template <typename T>
T counter(const json& counters, const char* name, T least, T most, const std::string& where) {
  const json& value = counters.at(name);
  const bool fits = value.is_number_integer() && value >= least && value <= most;
  check(fits, "{}: {} is {}, expected {} to {}: the file is damaged, pass --overwrite to begin anew", where,
        name, value.dump(), least, most);
  return value.get<T>();
}

double measured(const json& counters, const char* name, const std::string& where) {
  const json& value = counters.at(name);
  check(value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0,
        "{}: {} is {}, expected a number from zero on: the file is damaged, pass --overwrite to begin anew",
        where, name, value.dump());
  return value.get<double>();
}

// Of what was asked for, epochs of the stage; a state may not go beyond.
int epochs_of(const std::string& fingerprint, int stage) {
  const json asked = json::parse(fingerprint, nullptr, false);
  const char* key = stage == 0 ? "epochs" : "refine_epochs";
  return asked.is_object() ? asked.value(key, kMostEpochs) : kMostEpochs;
}

TrainingState counters_in(const json& c, const std::string& fingerprint, const std::string& where) {
  TrainingState state;
  state.stage = counter(c, "stage", 0, 1, where);
  state.epoch = counter(c, "epoch", 0, epochs_of(fingerprint, state.stage), where);
  state.step = counter<std::int64_t>(c, "step", 0, std::numeric_limits<std::int64_t>::max(), where);
  state.best_epoch = counter(c, "best_epoch", 0, state.epoch + 1, where);  // one that time shortened
  state.best_l2 = measured(c, "best_l2", where);
  state.seconds = measured(c, "seconds", where);
  return state;
}

TrainingState counters_of(const SafetensorsFile& file, const std::string& fingerprint,
                          const std::string& where) {
  check(entry(file, "schema", where) == kStateSchema, "{} is not a training state", where);
  const auto others = differences(renewed(entry(file, "fingerprint", where)), fingerprint);
  check(others.empty(),
        "{} belongs to a run with other {}: repeat what it was given, or train into another folder", where,
        fmt::join(others, ", "));
  try {
    return counters_in(json::parse(entry(file, "counters", where)), fingerprint, where);
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
