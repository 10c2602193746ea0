#include "apps/ensemble/sample_store.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.hpp"

namespace mano {
namespace {

const Term kPair{.fine = {2}, .coarse = LevelModel{1}};
const Term kAlone{.fine = {1}, .coarse = std::nullopt};

std::vector<TermValues> block(double first) {
  return {{{first, 10 * first}, {first + 0.5, 10 * first + 0.5}, 1.0, 2.0, 3.0},
          {{first + 1, 0}, {first + 2, 0}, 1.0, 2.0, 3.0}};
}

TEST(SampleStore, GivesBackBlocksInTheirOrderWhoeverDrewThem) {
  const TemporaryFolder folder;
  SampleStore one(folder.path(), 0), two(folder.path(), 1);
  one.append(kPair, 2, block(3.0));
  two.append(kPair, 0, block(1.0));
  two.append(kAlone, 0, {{{7.0, 8.0}, {}, 1.0, 0.0, 0.0}});
  one.read();
  const std::vector<LevelSamples>& values = one.values(kPair, 2, 3);
  EXPECT_EQ(values[0].fine, (std::vector{1.0, 2.0, 3.0, 4.0}));
  EXPECT_EQ(values[0].coarse, (std::vector{1.5, 3.0, 3.5, 5.0}));
  EXPECT_EQ(values[1].fine, (std::vector{10.0, 0.0, 30.0, 0.0}));
  EXPECT_EQ(one.values(kPair, 2, 1)[0].fine, (std::vector{1.0, 2.0}));  // what a killed run drew too much
  EXPECT_EQ(one.values(kAlone, 2, 1)[1].fine, std::vector{8.0});
  EXPECT_TRUE(one.has(kPair, 2));
  EXPECT_FALSE(one.has(kPair, 1));
  EXPECT_EQ(one.seconds(kPair).samples, 4u);
  EXPECT_DOUBLE_EQ(one.seconds(kPair).all(), 24.0);
  EXPECT_DOUBLE_EQ(one.seconds().all(), 25.0);
}

TEST(SampleStore, GoesOnAfterABlockThatAKillCutOff) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "samples-0.bin";
  {
    SampleStore store(folder.path(), 0);
    store.append(kPair, 0, block(1.0));
    store.append(kPair, 1, block(2.0));
  }
  const auto size = std::filesystem::file_size(file);
  for (std::uintmax_t left : {size - 1, size - 40, size / 2 + 3, size / 2}) {
    std::filesystem::resize_file(file, left);
    SampleStore store(folder.path(), 0);
    store.read();
    EXPECT_TRUE(store.has(kPair, 0));
    EXPECT_FALSE(store.has(kPair, 1));
    store.append(kPair, 1, block(2.0));
    SampleStore again(folder.path(), 0);
    again.read();
    EXPECT_EQ(again.values(kPair, 2, 2)[0].fine, (std::vector{1.0, 2.0, 2.0, 3.0}));
  }
}

TEST(SampleStore, DoesNotTakeDamagedBlocks) {
  const TemporaryFolder folder;
  SampleStore(folder.path(), 0).append(kPair, 0, block(1.0));
  {
    std::fstream file(folder.path() / "samples-0.bin", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(70);
    file.put('x');
  }
  SampleStore store(folder.path(), 0);
  store.read();
  EXPECT_FALSE(store.has(kPair, 0));
}

}  // namespace
}  // namespace mano
