#include "datagen/inactive_blobs.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace mano {
namespace {

double part(const CellMask& mask) {
  return static_cast<double>(mask.inactive()) / static_cast<double>(mask.grid.cells());
}

TEST(InactiveBlobs, TakeThePartThatIsAskedForAtEveryResolution) {
  for (const double fraction : {0.05, 0.2, 0.4}) {
    for (std::uint64_t sample = 0; sample < 5; ++sample) {
      for (const int n : {32, 64, 100}) {
        const CellMask mask = draw_inactive_blobs(fraction, 7, sample, {n, n});
        EXPECT_NEAR(part(mask), fraction, n == 64 ? 1e-3 : 0.02) << sample << " " << n;
        EXPECT_TRUE(mask(0, 0) && mask(n - 1, n - 1));
      }
    }
  }
  EXPECT_NEAR(part(draw_inactive_blobs(0.2, 7, 1, {96, 32, 3.0, 1.0})), 0.2, 0.02);
}

// The same blobs on a grid twice as fine: they differ in cells that a blob's rim crosses alone.
TEST(InactiveBlobs, AreTheSameInTheDomain) {
  const CellMask coarse = draw_inactive_blobs(0.2, 3, 4, {64, 64});
  const CellMask fine = draw_inactive_blobs(0.2, 3, 4, {128, 128});
  int different = 0;
  for (int j = 0; j < 128; ++j)
    for (int i = 0; i < 128; ++i) different += fine(i, j) != coarse(i / 2, j / 2);
  EXPECT_LT(different, 0.04 * 128 * 128);
  EXPECT_NE(draw_inactive_blobs(0.2, 3, 5, {64, 64}), coarse);
  EXPECT_NE(draw_inactive_blobs(0.2, 4, 4, {64, 64}), coarse);
}

TEST(InactiveBlobs, RefuseWhatIsNoPart) {
  for (const double fraction : {0.0, -0.1, 0.5, 1.0})
    EXPECT_THROW(draw_inactive_blobs(fraction, 0, 0, {32, 32}), InvalidInput) << fraction;
}

}  // namespace
}  // namespace mano
