#include "surrogate/training/training_state.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/networks/network.hpp"
#include "surrogate/training/optimizer.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

class TrainingStateFile : public ::testing::Test {
 protected:
  void save(const std::string& fingerprint) const {
    Architecture small;
    small.dim = 8;
    small.depth = 1;
    small.heads = 2;
    small.dim_head = 4;
    small.mlp = 16;
    const auto network = make_network(small, 1);
    const Optimizer optimizer(*network, OptimizerKind::adamw, 0.1, 1.0);
    TrainingState state;
    state.epoch = 7;
    state.best_epoch = 6;
    save_training_state(path, state, *network, optimizer, fingerprint);
  }

  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "state.safetensors";
};

TEST_F(TrainingStateFile, KnowsTheOldWordsOfAFingerprint) {
  save(R"({"climbs":2,"seed":1,"sweeps":3})");
  EXPECT_EQ(load_counters(path, R"({"correction_steps":3,"cycles":2,"seed":1})").epoch, 7);
  EXPECT_THROW(load_counters(path, R"({"correction_steps":2,"cycles":3,"seed":1})"), InvalidInput);
  try {
    load_counters(path, R"({"correction_steps":3,"cycles":3,"optimizer":"muon","seed":1})");
    FAIL() << "an unlike run was taken for the same";
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("a run with other cycles, optimizer:"), std::string::npos)
        << e.what();
  }
}

TEST_F(TrainingStateFile, OfBeforeDoesNotSayTheSamplesAStep) {
  save(R"({"seed":1})");
  EXPECT_EQ(load_counters(path, R"({"samples_a_step":8,"seed":1})").epoch, 7);
  save(R"({"samples_a_step":16,"seed":1})");
  EXPECT_THROW(load_counters(path, R"({"samples_a_step":8,"seed":1})"), InvalidInput);
}

TEST_F(TrainingStateFile, HasCountersInTheirRanges) {
  const std::string asked = R"({"epochs":9,"refine_epochs":4})";
  save(asked);
  EXPECT_EQ(load_counters(path, asked).epoch, 7);
  const SafetensorsFile good = read_safetensors(path);
  for (const auto& [name, value] :
       {std::pair("epoch", "1e300"), std::pair("epoch", "-3"), std::pair("epoch", "10"),
        std::pair("epoch", "\"7\""), std::pair("stage", "7"), std::pair("step", "-5"),
        std::pair("best_epoch", "9"), std::pair("best_l2", "null"), std::pair("seconds", "-1")}) {
    SafetensorsFile file = good;
    auto counters = nlohmann::json::parse(file.metadata.at("counters"));
    counters[name] = nlohmann::json::parse(value);
    file.metadata["counters"] = counters.dump();
    write_safetensors(path, file);
    try {
      load_counters(path, asked);
      FAIL() << name << " " << value;
    } catch (const InvalidInput& e) {
      const std::string said = e.what();
      EXPECT_NE(said.find("state.safetensors: " + std::string(name) + " is "), std::string::npos) << said;
      EXPECT_NE(said.find("--overwrite"), std::string::npos) << said;
    }
  }
}

}  // namespace
}  // namespace mano
