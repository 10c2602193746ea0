#include "core/cell_mask.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "core/resample.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

const Grid kGrid{3, 2};

Field field(std::vector<double> values, const Grid& grid = kGrid) {
  Field f(grid);
  f.values = std::move(values);
  return f;
}

TEST(CellMask, IsMadeOfZeroAndOne) {
  const CellMask mask = make_cell_mask(field({1, 1, 0, 1, 0, 1}), "here");
  EXPECT_EQ(mask.inactive(), 2u);
  EXPECT_FALSE(mask(2, 0));
  EXPECT_FALSE(mask(1, 1));
  EXPECT_TRUE(mask(0, 1));
  EXPECT_TRUE(make_cell_mask(field({1, 1, 1, 1, 1, 1}), "here").all());
  EXPECT_THROW(make_cell_mask(field({1, 1, 2, 1, 0, 1}), "here"), InvalidInput);
  EXPECT_THROW(make_cell_mask(field({0, 0, 0, 0, 0, 0}), "here"), InvalidInput);
}

TEST(CellMask, LeavesInactiveCellsOutOfEveryNumber) {
  const CellMask mask{kGrid, {1, 1, 0, 1, 0, 1}};
  const double none = std::numeric_limits<double>::quiet_NaN();
  const Field k = field({2, 3, none, 5, -1, 7});
  EXPECT_NO_THROW(check_permeability(k, "here", mask));
  EXPECT_THROW(check_permeability(k, "here", {}), InvalidInput);
  const Range range = least_and_most(k.values, mask);
  EXPECT_EQ(range.least, 2.0);
  EXPECT_EQ(range.most, 7.0);
  EXPECT_TRUE(range.finite);
  EXPECT_EQ(active_values(k, mask), (std::vector<double>{2, 3, 5, 7}));
  std::vector<double> p{1, 2, 100, 3, 100, 6};
  subtract_mean(p, mask);
  EXPECT_EQ(p, (std::vector<double>{-2, -1, 100, 0, 100, 3}));
  EXPECT_EQ(rock_of(k, mask).values, (std::vector<double>{2, 3, 0, 5, 0, 7}));
  EXPECT_EQ(mask_of_rock(rock_of(k, mask)), mask);
  EXPECT_EQ(both_active(mask, CellMask{kGrid, {0, 1, 1, 1, 1, 1}}).values,
            (std::vector<std::uint8_t>{0, 1, 0, 1, 0, 1}));
}

// H1 by hand: unit cells are 1/3 x 1/2; only (0,0)-(1,0) and (0,0)-(0,1) are neighbours that are both active, and (2,1) has none.
TEST(CellMask, GradientsStopAtInactiveCells) {
  const CellMask mask{kGrid, {1, 1, 0, 1, 0, 1}};
  const Field a = field({1, 3, 9, 2, 9, 4});
  const Field zero(kGrid);
  const double gradients = std::pow(2 * 3, 2) + std::pow(1 * 2, 2);
  const double squares = 1 + 9 + 4 + 16;
  EXPECT_NEAR(relative_h1(zero, a, mask), 1.0, tolerance::kExact);
  Field b = a;
  b.values[0] += 1;
  const double e = 1 + std::pow(1 * 3, 2) + std::pow(1 * 2, 2);
  EXPECT_NEAR(relative_h1(b, a, mask), std::sqrt(e / (squares + gradients)), tolerance::kExact);
  EXPECT_EQ(covered_part(b, a, 0.5, mask), 0.75);
}

TEST(CellMask, TransfersReadActiveCellsAlone) {
  const Grid fine{4, 2};
  const CellMask mask{fine, {1, 0, 1, 1, 1, 0, 0, 0}};
  const Field p = field({2, 1e9, 4, 6, 2, 1e9, 1e9, 1e9}, fine);
  EXPECT_EQ(restrict_to(p, mask, {2, 1}).values, (std::vector<double>{2, 5}));
  // A constant stays a constant wherever an active cell is near, whatever the inactive ones hold.
  const Field constant = field({3, 1e9, 3, 3, 3, 1e9, 1e9, 1e9}, fine);
  const AxisEnd mirror{AxisEnd::Kind::mirror};
  for (double value : interpolate_to(constant, mask, {8, 4}, {mirror, mirror, mirror, mirror}).values)
    EXPECT_TRUE(value == 0.0 || std::abs(value - 3.0) < 1e-12) << value;
  const AxisEnd prescribed{AxisEnd::Kind::value, 3.0};
  for (double value : interpolate_to(constant, mask, {8, 4}, {prescribed, prescribed, mirror, mirror}).values)
    EXPECT_TRUE(value == 0.0 || std::abs(value - 3.0) < 1e-12) << value;
}

}  // namespace
}  // namespace mano
