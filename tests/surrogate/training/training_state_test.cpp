#include "surrogate/training/training_state.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "surrogate/networks/network.hpp"
#include "surrogate/training/optimizer.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

TEST(TrainingState, KnowsTheOldWordsOfAFingerprint) {
  Architecture small;
  small.dim = 8;
  small.depth = 1;
  small.heads = 2;
  small.dim_head = 4;
  small.mlp = 16;
  const auto network = make_network(small, 1);
  Optimizer optimizer(*network, OptimizerKind::adamw, 0.1, 1.0);
  TrainingState state;
  state.epoch = 7;
  const TemporaryFolder folder;
  const auto path = folder.path() / "state.safetensors";
  save_training_state(path, state, *network, optimizer, R"({"climbs":2,"seed":1,"sweeps":3})");
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

}  // namespace
}  // namespace mano
