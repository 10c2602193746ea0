#include "core/resample.hpp"

#include <gtest/gtest.h>

#include "core/norms.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

Field linear_field(const Grid& grid, Location location) {
  Field f(grid);
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) f(i, j) = 1 + 2 * grid.x(i, location) - 3 * grid.y(j, location);
  }
  return f;
}

TEST(Interpolation, ReproducesLinearFieldsUpToTheBoundary) {
  for (Location location : {Location::cell, Location::node}) {
    for (Resolution target : {Resolution{32, 20}, Resolution{17, 13}, Resolution{5, 4}}) {
      const Field coarse = linear_field({8, 5, 2.0, 1.0}, location);
      const Field fine = interpolate_to(coarse, target, location);
      const Field exact = linear_field({target.nx, target.ny, 2.0, 1.0}, location);
      EXPECT_LT(largest_error(fine, exact), tolerance::kExact) << target.text();
    }
  }
}

TEST(Interpolation, OfASinglePointIsConstant) {
  const Field f = interpolate_to(Field(Grid{1, 1}, 7.0), {3, 2}, Location::cell);
  for (double v : f.values) EXPECT_DOUBLE_EQ(v, 7.0);
}

TEST(Restriction, OfCellsKeepsTheIntegral) {
  Field fine(Grid{12, 7});
  for (std::size_t c = 0; c < fine.values.size(); ++c) fine.values[c] = static_cast<double>(c * c % 11);
  double fine_mean = 0;
  for (double v : fine.values) fine_mean += v / static_cast<double>(fine.values.size());
  for (Resolution r : {Resolution{6, 7}, Resolution{5, 3}, Resolution{1, 1}}) {
    const Field coarse = restrict_to(fine, r, Location::cell);
    double mean = 0;
    for (double v : coarse.values) mean += v / static_cast<double>(coarse.values.size());
    EXPECT_NEAR(mean, fine_mean, tolerance::kExact) << r.text();
  }
}

TEST(Restriction, ByTwoIsTheBlockMean) {
  Field fine(Grid{4, 2});
  fine.values = {1, 2, 5, 6, 3, 4, 7, 8};
  const Field coarse = restrict_to(fine, {2, 1}, Location::cell);
  EXPECT_DOUBLE_EQ(coarse(0, 0), 2.5);
  EXPECT_DOUBLE_EQ(coarse(1, 0), 6.5);
}

TEST(Restriction, ToFinerNodesStaysWithinTheValues) {
  Field coarse(Grid{3, 2});
  coarse.values = {12, 12, 3, 3, 12, 3};
  const Field fine = restrict_to(coarse, {7, 5}, Location::node);
  const Range range = least_and_most(fine.values);
  EXPECT_GE(range.least, 3.0);
  EXPECT_LE(range.most, 12.0);
  EXPECT_DOUBLE_EQ(fine(0, 0), 12.0);
  EXPECT_DOUBLE_EQ(fine(6, 4), 3.0);
}

TEST(Interpolation, EndsAtWhatTheBoundaryPrescribes) {
  // p = x (from 0 at the left to 1 at the right), constant along y: exact with its boundary values and closed sides, up to the boundary.
  Field coarse(Grid{4, 3});
  for (int j = 0; j < 3; ++j)
    for (int i = 0; i < 4; ++i) coarse(i, j) = coarse.grid.x(i);
  const AxisEnd closed{AxisEnd::Kind::mirror, 0.0};
  const Ends ends{AxisEnd{AxisEnd::Kind::value, 0.0}, AxisEnd{AxisEnd::Kind::value, 1.0}, closed, closed};
  for (const Resolution r : {Resolution{8, 6}, Resolution{13, 5}, Resolution{40, 3}}) {
    const Field fine = interpolate_to(coarse, r, Location::cell, ends);
    for (int j = 0; j < r.ny; ++j)
      for (int i = 0; i < r.nx; ++i) EXPECT_NEAR(fine(i, j), fine.grid.x(i), tolerance::kExact) << r.text();
  }
  // A value that the field does not have inside shows beside the boundary alone.
  const Field bent = interpolate_to(coarse, {8, 6}, Location::cell,
                                    {AxisEnd{AxisEnd::Kind::value, 1.0}, ends[1], closed, closed});
  EXPECT_NEAR(bent(0, 0), 0.5 * 1.0 + 0.5 * coarse(0, 0), tolerance::kExact);
  EXPECT_NEAR(bent(1, 0), 1.0 / 16 + 1.0 / 8, tolerance::kExact);
}

TEST(Restriction, OfNodesSubsamples) {
  Field fine(Grid{4, 2});
  fine.values = {1, 2, 5, 6, 3, 4, 7, 8};
  const Field coarse = restrict_to(fine, {2, 1}, Location::node);
  EXPECT_DOUBLE_EQ(coarse(0, 0), 1);
  EXPECT_DOUBLE_EQ(coarse(1, 0), 5);
}

}  // namespace
}  // namespace mano
