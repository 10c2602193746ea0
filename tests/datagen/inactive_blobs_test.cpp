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

// In a volume as in the plane; the five-spot's wells are open in all layers, and joined.
TEST(InactiveBlobs, AreBallsInAVolume) {
  Grid coarse{24, 24, 1000, 1000}, fine{48, 48, 1000, 1000};
  coarse.nz = 12;
  fine.nz = 24;
  coarse.lz = fine.lz = 50;
  for (std::uint64_t sample = 0; sample < 3; ++sample) {
    const CellMask a = draw_inactive_blobs(0.2, 3, sample, coarse);
    const CellMask b = draw_inactive_blobs(0.2, 3, sample, fine);
    EXPECT_NEAR(part(a), 0.2, 0.03);
    EXPECT_NEAR(part(b), 0.2, 0.02);
    int different = 0, along_z = 0;
    for (int k = 0; k < fine.nz; ++k) {
      for (int j = 0; j < fine.ny; ++j) {
        for (int i = 0; i < fine.nx; ++i) {
          different += b(i, j, k) != a(i / 2, j / 2, k / 2);
          along_z += b(i, j, k) != b(i, j, 0);
        }
      }
    }
    EXPECT_LT(different, 0.1 * static_cast<double>(fine.cells()));
    EXPECT_GT(along_z, 0.1 * static_cast<double>(fine.cells()));
    const std::vector<int> region = region_numbers(b, fine);
    for (int k = 0; k < fine.nz; ++k) {
      EXPECT_EQ(region[fine.index(0, 0, k)], 0);
      EXPECT_EQ(region[fine.index(47, 47, k)], 0);
    }
  }
}

TEST(InactiveBlobs, RefuseWhatIsNoPart) {
  for (const double fraction : {0.0, -0.1, 0.5, 1.0})
    EXPECT_THROW(draw_inactive_blobs(fraction, 0, 0, {32, 32}), InvalidInput) << fraction;
}

}  // namespace
}  // namespace mano
