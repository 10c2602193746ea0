// Training on a GPU against training on the CPU, and recorded steps against launched ones.
#include <vector>

#include "core/norms.hpp"
#include "surrogate/surrogate.hpp"
#include "surrogate/training/train_fixture.hpp"

namespace mano {
namespace {

// The same order and reflections; what differs is the order of sums. Data in the GPU's memory, and in the host's.
TEST_F(Train, LearnsOnAGpuWhatItLearnsOnTheCpu) {
  if (!gpu_is_available()) GTEST_SKIP() << "no GPU";
  const auto data = dataset("d.h5", 40, {16, 16});
  struct Trained {
    TrainResult result;
    std::vector<double> losses;  // of the first epochs, four steps each: later ones drift apart by rounding
  };
  const auto trained = [&](const std::string& run, const std::string& device, bool data_on_host) {
    auto r = request(data, run, 20);
    r.architecture.dim_head = 8;  // the narrowest that a GPU has kernels for
    r.refine_epochs = 3;
    r.device = device;
    r.data_on_host = data_on_host;
    Trained t;
    TrainCallbacks callbacks;
    callbacks.epoch = [&](const EpochReport& e) {
      if (e.stage == "base" && e.epoch <= 3) t.losses.push_back(e.train_l2);
    };
    t.result = train(r, callbacks);
    return t;
  };
  const Trained cpu = trained("cpu", "cpu", false);
  for (const bool data_on_host : {false, true}) {
    const Trained gpu = trained(data_on_host ? "host" : "cuda", "cuda", data_on_host);
    EXPECT_EQ(gpu.result.device, "cuda");
    ASSERT_EQ(gpu.losses.size(), cpu.losses.size());
    for (std::size_t i = 0; i < cpu.losses.size(); ++i)
      EXPECT_NEAR(gpu.losses[i], cpu.losses[i], 1e-3 * cpu.losses[i]) << "epoch " << i + 1;
    EXPECT_NEAR(gpu.result.best_l2, cpu.result.best_l2, 0.1 * cpu.result.best_l2);
    EXPECT_NEAR(gpu.result.refinement_left, cpu.result.refinement_left, 0.05);
  }
}

// The first prediction of a shape is launched, the second recorded, the third replayed.
TEST_F(Train, RecordedPredictionsOnAGpuAreTheCpus) {
  if (!gpu_is_available()) GTEST_SKIP() << "no GPU";
  auto r = request(dataset("d.h5", 40, {16, 16}), "run", 4);
  r.architecture.dim_head = 8;
  r.refine_epochs = 2;
  train(r, {});
  const Surrogate cpu(r.run, "cpu"), gpu(r.run, "cuda");
  for (const Resolution resolution : {Resolution{16, 16}, Resolution{40, 24}}) {
    const Grid grid{resolution.nx, resolution.ny};
    for (int seed = 0; seed < 4; ++seed) {
      const Field k = draw_field({}, 100 + seed, 0, grid);
      for (const Method method :
           {Method::multigrid, Method::interpolation, Method::zero_start, Method::jacobi})
        EXPECT_LT(relative_l2(gpu.predict(k, method), cpu.predict(k, method)), 1e-4)
            << resolution.text() << ", prediction " << seed + 1 << " by " << to_string(method);
    }
  }
  EXPECT_EQ(gpu.recorded_predictions(), 8u);
}

TEST_F(Train, RecordedStepsOnAGpuTrainAsThoseLaunchedOneByOne) {
  if (!gpu_is_available()) GTEST_SKIP() << "no GPU";
  const auto data = dataset("d.h5", 45, {16, 16});  // the last batch of an epoch has four samples
  const auto losses_of = [&](const std::string& run, bool graphs) {
    auto r = request(data, run, 12);
    r.architecture.dim_head = 8;
    r.refine_epochs = 6;
    r.device = "cuda";
    r.graphs = graphs;
    std::vector<double> losses;
    TrainCallbacks callbacks;
    callbacks.epoch = [&](const EpochReport& e) {
      losses.push_back(e.train_l2);
      losses.push_back(e.validation_l2);
      EXPECT_EQ(e.skipped, 0);
    };
    train(r, callbacks);
    return losses;
  };
  const auto one_by_one = losses_of("eager", false);
  const auto recorded = losses_of("graphs", true);
  ASSERT_EQ(recorded.size(), one_by_one.size());
  for (std::size_t i = 0; i < recorded.size(); ++i)
    EXPECT_NEAR(recorded[i], one_by_one[i], 2e-3 * one_by_one[i]) << "number " << i;
}

}  // namespace
}  // namespace mano
