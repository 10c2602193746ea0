#include "surrogate/training/train_data.hpp"

#include <set>

#include "train_fixture.hpp"

namespace mano {
namespace {

// Numbers that one file holds out and another trains on; sample s of all files is the same rock.
std::vector<std::int64_t> leaks(const TrainData& data) {
  std::set<std::int64_t> training;
  std::vector<std::int64_t> found;
  for (const TrainSet& set : data.sets) training.insert(set.split.training.begin(), set.split.training.end());
  for (const TrainSet& set : data.sets)
    for (const std::int64_t s : set.split.validation)
      if (training.contains(s)) found.push_back(s);
  return found;
}

TEST_F(Train, CopiesAreHeldOutTogether) {
  auto r = request(dataset("a.h5", 20, {.nx = 8, .ny = 8}), "run", 1);
  r.data.push_back(dataset("b.h5", 21, {.nx = 8, .ny = 8}));
  EXPECT_TRUE(leaks(load_train_data(r, torch::kCPU)).empty());
}

TEST_F(Train, ARockIsHeldOutAtAllResolutions) {
  const std::string drawn = R"({"field":"two-phase","seed":1,"first":0,"samples":20})";
  auto r = request(dataset("a.h5", 20, {.nx = 8, .ny = 8}, "benchmark", Location::cell, drawn), "run", 1);
  r.data.push_back(dataset("b.h5", 7, {.nx = 16, .ny = 16}, "benchmark", Location::cell, drawn));
  EXPECT_TRUE(leaks(load_train_data(r, torch::kCPU)).empty());
}

TEST_F(Train, AFileOfRocksThatAreAllTrainedOnHoldsNoneOut) {
  const std::string drawn = R"({"field":"two-phase","seed":1,"first":0,"samples":20})";
  auto r = request(dataset("a.h5", 20, {.nx = 8, .ny = 8}, "benchmark", Location::cell, drawn), "run", 1);
  r.held_out = 0.05;
  r.data.push_back(dataset("b.h5", 2, {.nx = 16, .ny = 16}, "benchmark", Location::cell, drawn));
  const TrainData data = load_train_data(r, torch::kCPU);
  ASSERT_TRUE(leaks(data).empty());
  ASSERT_EQ(data.sets[1].split.validation.size(), 0u) << "take another seed";
  EXPECT_GT(train(r, {}).best_l2, 0.0);
}

}  // namespace
}  // namespace mano
