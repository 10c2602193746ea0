// A training that was interrupted goes on bit for bit, and refuses to where it would not.
#include <map>
#include <mutex>
#include <random>

#include "core/error.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/training/train_fixture.hpp"

namespace mano {
namespace {

TEST_F(Train, ResumedEqualsUnbrokenBitForBit) {
  const auto data = dataset("d.h5", 24, {6, 5, 2.0, 1.0});
  train(request(data, "unbroken", 6), {});
  auto r = request(data, "resumed", 6);
  EXPECT_THROW(train(r, stop_after(2)), Stop);
  r.resume = true;
  TrainCallbacks stop_in_the_middle;
  stop_in_the_middle.progress = [](const TrainProgress& p) {
    if (p.epoch == 4 && p.samples > 8) throw Stop{};
  };
  EXPECT_THROW(train(r, stop_in_the_middle), Stop);
  const TrainResult result = train(r, {});
  EXPECT_EQ(result.epochs, 6);
  expect_equal_bits("unbroken", "resumed");
  EXPECT_EQ(epochs_logged("resumed"), 6);
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
  EXPECT_THROW(train(r, stop_after(2)), Stop);  // the base's last
  r.resume = true;
  TrainCallbacks in_refinement;
  in_refinement.progress = [](const TrainProgress& p) {
    if (p.stage == "refinement" && p.epoch == 2 && p.samples > 8) throw Stop{};
  };
  EXPECT_THROW(train(r, in_refinement), Stop);
  const TrainResult result = train(r, {});
  EXPECT_LE(result.refinement_left, 1.0);
  expect_equal_bits("unbroken", "resumed");
  EXPECT_EQ(epochs_logged("resumed"), 5);
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
  EXPECT_THROW(train(r, stop_after(1)), Stop);
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
  r.learning_rate = 2 * *r.learning_rate;
  EXPECT_THROW(train(r, {}), InvalidInput);
  auto other = request(dataset("other.h5", 11, {4, 4}), "run", 1);
  other.resume = true;
  EXPECT_THROW(train(other, {}), InvalidInput);
  auto fresh = request(data, "fresh", 1);
  fresh.resume = true;
  EXPECT_THROW(train(fresh, {}), InvalidInput);
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
  EXPECT_THROW(train(r, stop_after(2)), Stop);
  r.resume = true;
  train(r, {});
  expect_equal_bits("unbroken", "resumed");
}

}  // namespace
}  // namespace mano
