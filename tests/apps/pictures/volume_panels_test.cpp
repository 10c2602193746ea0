// Slices and views of volumes: which cell is shown where.
#include "apps/pictures/volume_panels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mano {
namespace {

Field numbered(const Grid& grid) {
  Field f(grid);
  for (std::size_t c = 0; c < f.values.size(); ++c) f.values[c] = static_cast<double>(c);
  return f;
}

TEST(VolumePanels, SlicesLieAcrossTheAxes) {
  const Grid g{
      .nx = 4, .ny = 3, .lx = 8.0, .ly = 6.0, .x0 = 10.0, .y0 = 0.0, .nz = 2, .lz = 1.0, .z0 = 100.0};
  const Field f = numbered(g);
  const auto [layer, row, column] = slices({"p", f}, {2, 1, 0});
  EXPECT_EQ(layer.field.grid.resolution(), "4x3");
  EXPECT_EQ(layer.field(3, 2), f(3, 2, 0));
  EXPECT_EQ(layer.title, "p, layer 1");
  EXPECT_FALSE(layer.downward);
  EXPECT_EQ(row.field.grid.resolution(), "4x2");
  EXPECT_EQ(row.field(3, 1), f(3, 1, 0));  // the top is the last row, which is drawn above the first
  EXPECT_EQ(row.field(3, 0), f(3, 1, 1));
  EXPECT_EQ(row.title, "p, y = 3");
  EXPECT_EQ(row.field.grid.y0, 100.0);
  EXPECT_TRUE(row.downward && column.downward);
  EXPECT_EQ(column.field(2, 0), f(2, 2, 1));
  EXPECT_EQ(column.title, "p, x = 15");
  EXPECT_EQ(column.x_axis + column.y_axis, "yz");
  EXPECT_EQ(layer.range, std::pair(0.0, 23.0));  // of the whole volume
  EXPECT_EQ(column.range, layer.range);
}

int pixels_of(const MapPanel& panel, double value) {
  return static_cast<int>(std::count(panel.field.values.begin(), panel.field.values.end(), value));
}

// From above the corner (lx, 0, top), the other corner is hidden, the top surface is seen whole.
TEST(VolumePanels, AViewShowsTheNearestCells) {
  const Grid g{.nx = 3, .ny = 3, .lx = 1.0, .ly = 1.0, .nz = 3, .lz = 1.0};
  const Field f = numbered(g);
  const MapPanel all = view_of_cells({"p", f}, 0.0);
  for (int k = 0; k < 3; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 3; ++i)
        EXPECT_EQ(pixels_of(all, f(i, j, k)) > 0, i == 2 || j == 0 || k == 0) << i << j << k;
    }
  }
  EXPECT_EQ(all.title, "p of at least 0");
  const MapPanel one = view_of_cells({"p", f}, 26.0);  // the last cell alone, with its three faces
  EXPECT_EQ(pixels_of(one, 25.0), 0);
  const int seen = pixels_of(one, 26.0);
  EXPECT_GT(seen, 0);
  std::vector<double> shades;
  for (std::size_t c = 0; c < one.field.values.size(); ++c) {
    if (one.field.values[c] == 26.0) shades.push_back(one.shade.values[c]);
  }
  std::sort(shades.begin(), shades.end());
  shades.erase(std::unique(shades.begin(), shades.end()), shades.end());
  EXPECT_EQ(shades.size(), 3U);
}

TEST(VolumePanels, BlankCellsAreNeitherCountedNorShown) {
  const Grid g{.nx = 2, .ny = 2, .nz = 2};
  Field f = numbered(g);
  f.values[7] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(quantile(f, 0.0), 0.0);
  EXPECT_EQ(quantile(f, 1.0), 6.0);
  EXPECT_EQ(quantile(f, 0.5), 3.0);
  EXPECT_EQ(slices({"p", f}, {0, 0, 0})[0].range, std::pair(0.0, 6.0));
  const MapPanel view = view_of_cells({"p", f}, 6.0);
  EXPECT_GT(pixels_of(view, 6.0), 0);
}

}  // namespace
}  // namespace mano
