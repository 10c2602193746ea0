#include "surrogate/training/split.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace mano {
namespace {

using Names = std::vector<std::vector<std::string>>;

Names numbered(int first, int count) {
  Names names;
  for (int i = 0; i < count; ++i) names.push_back({"rock " + std::to_string(first + i)});
  return names;
}

std::set<std::string> named(const Names& names, const std::vector<std::int64_t>& samples) {
  std::set<std::string> all;
  for (const auto s : samples) all.insert(names[s].begin(), names[s].end());
  return all;
}

// All samples once, and none held out that a file before trains on, or the other way round.
void expect_apart(const std::vector<Names>& files, double held_out) {
  Splitter splitter(held_out, 3);
  std::set<std::string> training, validation;
  for (const Names& names : files) {
    const Split split = splitter.split(names);
    EXPECT_EQ(split.training.size() + split.validation.size(), names.size());
    training.merge(named(names, split.training));
    validation.merge(named(names, split.validation));
  }
  std::vector<std::string> both;
  std::set_intersection(training.begin(), training.end(), validation.begin(), validation.end(),
                        std::back_inserter(both));
  EXPECT_TRUE(both.empty()) << both.size() << ", one of them " << both.front();
}

TEST(Splitter, HoldsOutAFraction) {
  for (const auto& [count, expected] : {std::pair(100, 20), {10, 2}, {2, 1}, {3, 1}}) {
    const Split split = Splitter(0.2, 1).split(numbered(0, count));
    EXPECT_EQ(split.validation.size(), expected) << count;
    EXPECT_EQ(split.training.size(), count - expected) << count;
  }
}

TEST(Splitter, FilesOfAsManyAreSplitAlike) {
  Splitter splitter(0.3, 5);
  const Split one = splitter.split(numbered(0, 40)), same = splitter.split(numbered(0, 40)),
              others = splitter.split(numbered(100, 40));
  EXPECT_EQ(one.training, same.training);
  EXPECT_EQ(one.validation, same.validation);
  EXPECT_EQ(one.training, others.training);
}

TEST(Splitter, WhatIsHeldOutOfOneFileIsNotTrainedOnInAnother) {
  Names reversed = numbered(0, 60);
  std::reverse(reversed.begin(), reversed.end());
  expect_apart({numbered(0, 60), numbered(0, 61)}, 0.3);
  expect_apart({numbered(0, 60), reversed}, 0.3);
  expect_apart({numbered(0, 600), numbered(0, 100), numbered(50, 100)}, 0.05);
  expect_apart({numbered(0, 20), numbered(0, 2), numbered(5, 3)}, 0.1);
}

TEST(Splitter, EitherNameTells) {
  Names first = numbered(0, 50), second = numbered(1000, 50);
  for (int i = 0; i < 50; ++i) second[i].push_back(first[49 - i][0]);  // copies, in another order
  Splitter splitter(0.2, 1);
  const auto validation = named(first, splitter.split(first).validation);
  const Split split = splitter.split(second);
  EXPECT_EQ(split.validation.size(), 10u);
  for (const auto s : split.validation) EXPECT_TRUE(validation.contains(second[s][1]));
}

TEST(Splitter, OfUnknownRocksAsManyAreHeldOutAsAreMissing) {
  Splitter splitter(0.2, 1);
  splitter.split(numbered(0, 50));
  EXPECT_EQ(splitter.split(numbered(25, 100)).validation.size(), 20u);
}

}  // namespace
}  // namespace mano
