#include "surrogate/training/training_log.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

const char* measure_of(const std::string& stage) {
  return stage == "classes" ? "cross_entropy" : "relative_l2";
}

LoggedEpoch epoch_of(const json& entry, const std::string& line) {
  const std::string stage = entry.at("stage").get<std::string>();
  const json& epoch = entry.at("epoch");
  check(epoch.is_number_integer() && epoch > 0 && epoch < 1'000'000'000, "its epoch is {}", epoch.dump());
  return {stage == "refinement" ? 1 : 0, epoch.get<int>(), entry.at("best").get<bool>(),
          entry.at(std::string("validation_") + measure_of(stage)).get<double>(), line};
}

}  // namespace

std::vector<LoggedEpoch> read_log(const fs::path& path) {
  std::vector<LoggedEpoch> epochs;
  std::ifstream lines(path);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const json entry = json::parse(line, nullptr, false);
    if (entry.is_discarded()) continue;
    try {
      epochs.push_back(epoch_of(entry, line));
    } catch (const std::exception&) {
      throw InvalidInput(fmt::format("{}, line {}: '{}' is no epoch of a training: remove the line",
                                     path.string(), number, line.substr(0, 60)));
    }
  }
  return epochs;
}

void cut_log(const fs::path& path, int stage, int epochs) {
  std::string kept;
  for (const LoggedEpoch& e : read_log(path))
    if (e.stage < stage || (e.stage == stage && e.epoch <= epochs)) kept += e.line + "\n";
  write_text_atomically(path, kept);
}

void append_log(const fs::path& path, const EpochReport& r) {
  std::ofstream out(path, std::ios::app);
  const std::string measure = measure_of(r.stage);
  out << json{{"stage", r.stage},
              {"epoch", r.epoch},
              {"train_" + measure, r.train_l2},
              {"validation_" + measure, r.validation_l2},
              {"learning_rate", r.learning_rate},
              {"seconds", r.seconds},
              {"best", r.best},
              {"skipped_steps", r.skipped}}
             .dump()
      << '\n';
  out.close();
  if (!out) throw RunFailed(fmt::format("cannot write {}", path.string()));
}

}  // namespace mano
