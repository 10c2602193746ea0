// Training on small synthetic data: it learns, and it refuses what it cannot use.
#include "surrogate/training/train.hpp"

#include <cmath>
#include <functional>

#include "core/error.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/evaluate.hpp"
#include "surrogate/kernels/tensor_memory.hpp"
#include "surrogate/surrogate.hpp"
#include "surrogate/training/train_fixture.hpp"

namespace mano {
namespace {

TEST_F(Train, LearnsAndTheCheckpointPredictsWhatWasValidated) {
  const auto data = dataset("d.h5", 40, {8, 8});
  const TrainResult result = train(request(data, "run", 120), {});
  EXPECT_EQ(result.epochs, 120);
  EXPECT_LT(result.best_l2, 0.15);
  const Surrogate surrogate(folder_.path() / "run", "cpu");
  EXPECT_DOUBLE_EQ(surrogate.card().validation_l2, result.best_l2);
  EXPECT_EQ(surrogate.card().resolutions, (std::vector<Resolution>{{8, 8}}));
  const Evaluation e = evaluate(surrogate, DatasetReader(data), 7, Method::multigrid);
  EXPECT_TRUE(e.seen_in_training);
  EXPECT_LT(e.relative_l2.mean, 0.15);
  EXPECT_EQ(e.interpolated_l2.mean, e.relative_l2.mean);
  EXPECT_GE(e.relative_mse, e.relative_l2.mean * e.relative_l2.mean);
  EXPECT_EQ(epochs_logged("run"), 120);
}

TEST_F(Train, EvaluatesUnseenFinerResolutionsBesideInterpolation) {
  train(request(dataset("d.h5", 20, {8, 8}), "run", 3), {});
  const Surrogate surrogate(folder_.path() / "run", "cpu");
  const Evaluation fine =
      evaluate(surrogate, DatasetReader(dataset("fine.h5", 3, {20, 12})), 2, Method::multigrid);
  EXPECT_FALSE(fine.seen_in_training);
  EXPECT_GT(fine.interpolated_l2.mean, 0);
  const Evaluation coarse =
      evaluate(surrogate, DatasetReader(dataset("coarse.h5", 2, {4, 4})), 2, Method::multigrid);
  EXPECT_TRUE(std::isfinite(coarse.relative_l2.mean));
}

// A refinement needs five points in each direction; smaller grids go without, in training and prediction.
TEST_F(Train, RefinesWhereTheGridIsLargeEnough) {
  auto r = request(dataset("small.h5", 10, {4, 4}), "run", 2);
  r.data.push_back(dataset("large.h5", 10, {16, 16}));
  r.refine_epochs = 2;
  train(r, {});
  const Surrogate surrogate(folder_.path() / "run", "cpu");
  for (const Grid& grid : {Grid{4, 4}, Grid{4, 9}, Grid{16, 16}, Grid{3, 40}})
    EXPECT_EQ(surrogate.predict(draw_field({}, 1, 0, grid)).grid, grid);
}

TEST_F(Train, StopsOnTimeWithACheckpoint) {
  auto r = request(dataset("d.h5", 200, {16, 16}), "run", 100000);
  r.max_seconds = 0.5;
  const TrainResult result = train(r, {});
  EXPECT_TRUE(result.stopped_on_time);
  EXPECT_LT(result.seconds, 20);
  EXPECT_NO_THROW(Surrogate(r.run, "cpu"));
}

TEST_F(Train, ALossThatIsNotFiniteIsARunThatFailed) {
  auto r = request(dataset("d.h5", 10, {4, 4}), "run", 20);
  r.learning_rate = 1e30;
  EXPECT_THROW(train(r, {}), RunFailed);
}

// Both have the gradient of the mean over the same 16 samples; what differs is the order of sums.
TEST_F(Train, BatchesAddedUpEqualOneLargeBatch) {
  const auto data = dataset("d.h5", 40, {8, 8});
  auto large = request(data, "large", 5);
  large.batch = 16;
  auto added = request(data, "added", 5);
  added.batch = 4;
  added.accumulate = 4;
  train(large, {});
  train(added, {});
  const auto a = read_safetensors(large.run / "state.safetensors");
  const auto b = read_safetensors(added.run / "state.safetensors");
  for (const auto& [name, tensor] : a.tensors) {
    if (!name.starts_with("parameter.")) continue;
    const auto* x = reinterpret_cast<const float*>(tensor.bytes.data());
    const auto* y = reinterpret_cast<const float*>(b.tensors.at(name).bytes.data());
    for (std::size_t i = 0; i < tensor.bytes.size() / 4; ++i) EXPECT_NEAR(x[i], y[i], 2e-5) << name;
  }
}

TEST_F(Train, LearnsInBfloat16) {
  auto r = request(dataset("d.h5", 40, {8, 8}), "run", 60);
  r.bfloat16 = true;
  EXPECT_LT(train(r, {}).best_l2, 0.2);
  r.run = folder_.path() / "fp32";
  r.bfloat16 = false;
  EXPECT_LT(train(r, {}).best_l2, 0.2);
}

TEST_F(Train, PredictsItsMemoryWithinAFifth) {
  for (const bool bfloat16 : {false, true}) {
    for (const char* preset : {"small", "wide", "small-published", "paper"}) {
      auto r = request(dataset("d.h5", 10, {32, 32}), std::string(preset) + (bfloat16 ? "16" : "32"), 1);
      r.architecture = architecture_preset(preset);
      r.device = "cpu";
      r.bfloat16 = bfloat16;
      double predicted = 0.0;
      TrainCallbacks callbacks;
      callbacks.start = [&](const TrainPlan& plan) { predicted = plan.bytes; };
      const TensorMemory memory;
      train(r, callbacks);
      EXPECT_NEAR(predicted / static_cast<double>(memory.peak()), 1.0, 0.2) << preset << " " << bfloat16;
    }
  }
}

TEST_F(Train, RefusesABatchThatCannotFitAndNamesOneThatDoes) {
  auto r = request(dataset("d.h5", 20, {16, 16}), "run", 1);
  r.architecture = architecture_preset("paper");
  r.batch = 100'000'000;
  try {
    train(r, {});
    FAIL() << "took a batch of " << r.batch;
  } catch (const InvalidInput& e) {
    const std::string text = e.what();
    const std::size_t at = text.find("--batch ");
    ASSERT_NE(at, std::string::npos) << text;
    const int fits = std::stoi(text.substr(at + 8));
    EXPECT_GT(fits, 100);
    EXPECT_LT(fits, r.batch);
  }
  EXPECT_FALSE(std::filesystem::exists(r.run / "model.safetensors"));
}

TEST_F(Train, TakesSeveralResolutionsOfOneProblemOnly) {
  auto r = request(dataset("a.h5", 10, {8, 8}), "run", 1);
  r.data.push_back(dataset("b.h5", 10, {12, 6}));
  train(r, {});
  const Surrogate surrogate(r.run, "cpu");
  EXPECT_EQ(surrogate.card().resolutions, (std::vector<Resolution>{{8, 8}, {12, 6}}));
  EXPECT_EQ(surrogate.base_resolution({64, 64}), (Resolution{12, 6}));
  EXPECT_EQ(surrogate.base_resolution({9, 9}), (Resolution{8, 8}));
  r.run = folder_.path() / "other";
  r.data[1] = dataset("drive.h5", 10, {8, 8}, "drive");
  EXPECT_THROW(train(r, {}), InvalidInput);
  r.data[1] = dataset("node.h5", 10, {8, 8}, "benchmark", Location::node);
  EXPECT_THROW(train(r, {}), InvalidInput);
  r.data[1] = dataset("wide.h5", 10, {8, 8, 2.0, 1.0});
  EXPECT_THROW(train(r, {}), InvalidInput);
  r.data = {dataset("line.h5", 10, {8, 1})};
  EXPECT_THROW(train(r, {}), InvalidInput);  // smaller than a window
  EXPECT_FALSE(std::filesystem::exists(r.run));
}

TEST_F(Train, SurrogateRefusesDamagedCheckpointsAndOtherProblems) {
  const auto data = dataset("d.h5", 10, {4, 4});
  train(request(data, "run", 1), {});
  const auto path = folder_.path() / "run" / "model.safetensors";
  const auto write_variant = [&](const std::function<void(SafetensorsFile&)>& change) {
    SafetensorsFile file = read_safetensors(path);
    change(file);
    const auto variant = folder_.path() / "variant.safetensors";
    write_safetensors(variant, file);
    return variant;
  };
  EXPECT_THROW(Surrogate(write_variant([](auto& f) { f.metadata["schema_version"] = "99"; }), "cpu"),
               InvalidInput);
  EXPECT_THROW(Surrogate(write_variant([](auto& f) { f.metadata["schema"] = "other"; }), "cpu"),
               InvalidInput);
  EXPECT_THROW(
      Surrogate(write_variant([](auto& f) { f.metadata["architecture"] = R"({"model":"fno"})"; }), "cpu"),
      InvalidInput);
  EXPECT_THROW(Surrogate(write_variant([](auto& f) { f.metadata["training"] = "{}"; }), "cpu"), InvalidInput);
  EXPECT_THROW(Surrogate(write_variant([](auto& f) { f.tensors.erase("linear_p.bias"); }), "cpu"),
               InvalidInput);
  EXPECT_THROW(
      Surrogate(write_variant([](auto& f) { f.tensors["surplus"] = f.tensors["linear_p.bias"]; }), "cpu"),
      InvalidInput);
  EXPECT_THROW(
      Surrogate(write_variant([](auto& f) { f.tensors["linear_p.bias"] = f.tensors["linear_p.weight"]; }),
                "cpu"),
      InvalidInput);
  EXPECT_NO_THROW(Surrogate(write_variant([](auto&) {}), "cpu"));
  EXPECT_THROW(Surrogate(folder_.path(), "cpu"), InvalidInput);
  EXPECT_THROW(Surrogate(path, "tpu"), InvalidInput);

  const Surrogate surrogate(path, "cpu");
  EXPECT_NO_THROW(surrogate.check_problem("benchmark", {9, 9}, Location::cell, "x"));
  EXPECT_THROW(surrogate.check_problem("drive", {9, 9}, Location::cell, "x"), InvalidInput);
  EXPECT_THROW(surrogate.check_problem("benchmark", {9, 9, 2.0, 1.0}, Location::cell, "x"), InvalidInput);
  EXPECT_THROW(surrogate.check_problem("benchmark", {9, 9}, Location::node, "x"), InvalidInput);
  EXPECT_THROW(surrogate.predict(Field(Grid{4, 4}, -1.0)), InvalidInput);
}

}  // namespace
}  // namespace mano
