// Training on small synthetic data: it learns, it resumes bit for bit, and it refuses what it cannot use.
#include "surrogate/training/train.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <random>

#include "core/error.hpp"
#include "core/files.hpp"
#include "core/norms.hpp"
#include "datagen/dataset.hpp"
#include "datagen/random_field.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/evaluate.hpp"
#include "surrogate/kernels/tensor_memory.hpp"
#include "surrogate/surrogate.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

class Train : public ::testing::Test {
 protected:
  // "Pressure" that a small network can learn: a smooth bump over the local resistance.
  std::filesystem::path dataset(const std::string& name, std::size_t samples, const Grid& grid,
                                const std::string& problem_name = "benchmark",
                                Location location = Location::cell) {
    DatasetInfo info;
    info.grid = grid;
    info.samples = samples;
    info.problem_name = problem_name;
    info.location = location;
    info.field = "two-phase";
    info.configuration = "{}";
    const auto path = folder_.path() / name;
    DatasetWriter writer(path, info);
    for (std::size_t s = 0; s < samples; ++s) {
      Sample sample;
      sample.permeability = draw_field({}, 1, s, grid);
      sample.pressure = Field(grid);
      for (int j = 0; j < grid.ny; ++j) {
        for (int i = 0; i < grid.nx; ++i) {
          const double x = grid.x(i) / grid.lx, y = grid.y(j) / grid.ly;
          sample.pressure(i, j) = 7e3 * x * (1 - x) * y * (1 - y) * (1 + 3 / sample.permeability(i, j));
        }
      }
      writer.write(s, sample);
    }
    writer.close();
    return path;
  }

  TrainRequest request(const std::filesystem::path& data, const std::string& run, int epochs) const {
    TrainRequest r;
    r.data = {data};
    r.run = folder_.path() / run;
    r.architecture.dim = 8;
    r.architecture.depth = 1;
    r.architecture.heads = 2;
    r.architecture.dim_head = 4;
    r.architecture.mlp = 16;
    r.epochs = epochs;
    r.refine_epochs = 0;
    r.batch = 8;
    r.learning_rate = 1e-2;
    r.held_out = 0.2;
    r.device = "cpu";
    return r;
  }

  void expect_equal_bits(const std::string& run, const std::string& other) const {
    for (const char* name : {"model.safetensors", "state.safetensors"}) {
      const auto a = read_safetensors(folder_.path() / run / name);
      const auto b = read_safetensors(folder_.path() / other / name);
      ASSERT_EQ(a.tensors.size(), b.tensors.size());
      for (const auto& [key, tensor] : a.tensors)
        EXPECT_EQ(tensor.bytes, b.tensors.at(key).bytes) << name << " " << key;
    }
  }

  TemporaryFolder folder_;
};

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
  std::ifstream log(folder_.path() / "run" / "log.jsonl");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(log), {}, '\n'), 120);
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

TEST_F(Train, ResumedEqualsUnbrokenBitForBit) {
  const auto data = dataset("d.h5", 24, {6, 5, 2.0, 1.0});
  train(request(data, "unbroken", 6), {});
  auto r = request(data, "resumed", 6);
  struct Stop {};
  TrainCallbacks stop_after_two;
  stop_after_two.epoch = [](const EpochReport& e) {
    if (e.epoch == 2) throw Stop{};
  };
  EXPECT_THROW(train(r, stop_after_two), Stop);
  r.resume = true;
  TrainCallbacks stop_in_the_middle;
  stop_in_the_middle.progress = [](const TrainProgress& p) {
    if (p.epoch == 4 && p.samples > 8) throw Stop{};
  };
  EXPECT_THROW(train(r, stop_in_the_middle), Stop);
  const TrainResult result = train(r, {});
  EXPECT_EQ(result.epochs, 6);
  expect_equal_bits("unbroken", "resumed");
  std::ifstream log(folder_.path() / "resumed" / "log.jsonl");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(log), {}, '\n'), 6);
}

// Interrupted in the middle of the refinement, and between the stages.
TEST_F(Train, ResumesTheRefinementBitForBit) {
  const auto data = dataset("d.h5", 24, {16, 10, 2.0, 1.0});
  const auto with_refinement = [&](const std::string& run) {
    auto r = request(data, run, 2);
    r.refine_epochs = 3;
    return r;
  };
  train(with_refinement("unbroken"), {});
  auto r = with_refinement("resumed");
  struct Stop {};
  TrainCallbacks after_base, in_refinement;
  after_base.epoch = [](const EpochReport& e) {
    if (e.epoch == 2) throw Stop{};
  };
  EXPECT_THROW(train(r, after_base), Stop);
  r.resume = true;
  in_refinement.progress = [](const TrainProgress& p) {
    if (p.stage == "refinement" && p.epoch == 2 && p.samples > 8) throw Stop{};
  };
  EXPECT_THROW(train(r, in_refinement), Stop);
  const TrainResult result = train(r, {});
  EXPECT_LE(result.refinement_left, 1.0);
  expect_equal_bits("unbroken", "resumed");
  std::ifstream log(folder_.path() / "resumed" / "log.jsonl");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(log), {}, '\n'), 5);
  // Resuming what is finished changes nothing, metadata included.
  const auto whole = read_safetensors(folder_.path() / "resumed" / "model.safetensors");
  const TrainResult again = train(r, {});
  EXPECT_DOUBLE_EQ(again.best_l2, result.best_l2);
  EXPECT_EQ(read_safetensors(folder_.path() / "resumed" / "model.safetensors").metadata, whole.metadata);
}

// Refused at once, with the data still the same size: the fingerprint is asked before anything is computed.
TEST_F(Train, RefusesToResumeWithoutTheRefinementThatItBeganWith) {
  auto r = request(dataset("d.h5", 24, {16, 10}), "run", 2);
  r.refine_epochs = 2;
  train(r, {});
  r.resume = true;
  r.refinement = "none";
  EXPECT_THROW(train(r, {}), InvalidInput);
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

// With a window of 5, 8x8 has one level and 16x16 two: down and up get no gradient from some batches.
TEST_F(Train, ResumedEqualsUnbrokenWhereSomeWeightsHaveNoGradient) {
  const auto mixed = [&](const std::string& run) {
    auto r = request(dataset("small.h5", 10, {8, 8}), run, 3);
    r.data.push_back(dataset("large.h5", 10, {16, 16}));
    r.architecture.window = 5;
    return r;
  };
  train(mixed("unbroken"), {});
  auto r = mixed("resumed");
  struct Stop {};
  TrainCallbacks stop;
  stop.epoch = [](const EpochReport&) { throw Stop{}; };
  EXPECT_THROW(train(r, stop), Stop);
  r.resume = true;
  train(r, {});
  const auto a = read_safetensors(folder_.path() / "unbroken" / "state.safetensors");
  const auto b = read_safetensors(folder_.path() / "resumed" / "state.safetensors");
  for (const auto& [key, tensor] : a.tensors) EXPECT_EQ(tensor.bytes, b.tensors.at(key).bytes) << key;

  auto one_level = request(folder_.path() / "small.h5", "one", 1);
  one_level.architecture.window = 5;
  EXPECT_NO_THROW(train(one_level, {}));
}

TEST_F(Train, RefusesToResumeWithOtherOptions) {
  const auto data = dataset("d.h5", 10, {4, 4});
  train(request(data, "run", 1), {});
  EXPECT_THROW(train(request(data, "run", 1), {}), InvalidInput);  // holds a model already
  auto r = request(data, "run", 1);
  r.resume = true;
  r.learning_rate *= 2;
  EXPECT_THROW(train(r, {}), InvalidInput);
  auto other = request(dataset("other.h5", 11, {4, 4}), "run", 1);
  other.resume = true;
  EXPECT_THROW(train(other, {}), InvalidInput);
  auto fresh = request(data, "fresh", 1);
  fresh.resume = true;
  EXPECT_THROW(train(fresh, {}), InvalidInput);
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

TEST_F(Train, FreshSamplesAreOthersInEachEpochAndResumeBitForBit) {
  std::map<std::uint64_t, int> asked;  // how often for each sample
  std::mutex guard;
  const auto fresh_request = [&](const std::string& run) {
    auto r = request("", run, 4);
    r.data.clear();
    FreshSamples fresh;
    fresh.info.grid = {8, 8};
    fresh.info.samples = 20;
    fresh.info.problem_name = "benchmark";
    fresh.info.configuration = "{}";
    fresh.make = [&](std::uint64_t first, int n, double* k, double* p) {
      const std::lock_guard lock(guard);
      for (int i = 0; i < n; ++i) {
        ++asked[first + i];
        std::mt19937 random(first + i);
        for (int c = 0; c < 64; ++c) {
          k[i * 64 + c] = 1.0 + random() % 7;
          p[i * 64 + c] = 1.0 / k[i * 64 + c] + c % 8;
        }
      }
    };
    r.fresh = fresh;
    return r;
  };
  const auto unbroken = fresh_request("unbroken");
  train(unbroken, {});
  EXPECT_EQ(asked.size(), 4 + 4 * 20u);  // a fifth held out, four epochs
  for (const auto& [sample, times] : asked) EXPECT_EQ(times, 1) << sample;
  auto r = fresh_request("resumed");
  struct Stop {};
  TrainCallbacks stop_after_two;
  stop_after_two.epoch = [](const EpochReport& e) {
    if (e.epoch == 2) throw Stop{};
  };
  EXPECT_THROW(train(r, stop_after_two), Stop);
  r.resume = true;
  train(r, {});
  expect_equal_bits("unbroken", "resumed");
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
    for (const char* preset : {"small", "paper"}) {
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
