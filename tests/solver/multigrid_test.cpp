#include "solver/multigrid.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "solver/problems.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

using Values = std::vector<double>;

Values random_values(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Values v(n);
  for (double& x : v) x = normal(random);
  return v;
}

double dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// Odd and even sizes, lines, single cells, thin cells.
const std::vector<Grid> kGrids{{1, 1},  {2, 1},           {1, 7},          {3, 2},          {16, 16}, {17, 9},
                               {33, 5}, {31, 64, 100, 1}, {40, 23, 1, 50}, {4, 64, 100, 1}, {65, 63}};

Grid volume(int nx, int ny, int nz, double lz) {
  Grid g{nx, ny};
  g.nz = nz;
  g.lz = lz;
  return g;
}

// The same in three dimensions, with cells flat and tall.
const std::vector<Grid> kVolumes{volume(1, 1, 9, 1),     volume(9, 1, 2, 1),    volume(1, 8, 5, 1),
                                 volume(5, 7, 3, 1),     volume(16, 16, 16, 1), volume(33, 20, 9, 1e-3),
                                 volume(13, 24, 17, 1e3)};

std::vector<Grid> all_grids() {
  std::vector<Grid> all = kGrids;
  all.insert(all.end(), kVolumes.begin(), kVolumes.end());
  return all;
}

TEST(Multigrid, IsSymmetricAndPositive) {
  for (const Grid& grid : all_grids()) {
    for (const char* setup : {"benchmark", "drive"}) {
      Multigrid multigrid;
      multigrid.set_up(Stencil(make_problem(setup, rough_permeability(grid))), Multigrid::Precision::double_);
      const Values a = random_values(grid.cells(), 1);
      const Values b = random_values(grid.cells(), 2);
      Values za(a.size());
      Values zb(b.size());
      multigrid.apply(a.data(), za.data());
      multigrid.apply(b.data(), zb.data());
      const double size = std::sqrt(dot(za, za) * dot(b, b));
      EXPECT_NEAR(dot(za, b), dot(a, zb), 1e-11 * size) << setup << " " << grid.resolution();
      EXPECT_GT(dot(za, a), 0) << setup << " " << grid.resolution();
    }
  }
}

// One cycle after another, without any Krylov method: each must take off most of the error that is left.
double worst_reduction(const Problem& problem, Multigrid::Precision precision) {
  const Stencil stencil(problem);
  const Grid& grid = stencil.grid;
  Multigrid multigrid;
  multigrid.set_up(stencil, precision);
  Stencil homogeneous = stencil;
  std::fill(homogeneous.rhs.begin(), homogeneous.rhs.end(), 0.0);
  Field error(grid);
  error.values = random_values(grid.cells(), 3);
  double worst = 0.0;
  const auto energy = [&](const Field& e) { return -dot(e.values, residual(homogeneous, e).values); };
  double before = energy(error);
  for (int cycle = 0; cycle < 8; ++cycle) {
    const Field r = residual(homogeneous, error);
    Values z(grid.cells());
    multigrid.apply(r.values.data(), z.data());
    for (std::size_t c = 0; c < z.size(); ++c) error.values[c] += z[c];
    const double after = energy(error);
    if (before > 1e-20) worst = std::max(worst, std::sqrt(after / before));
    before = after;
  }
  return worst;
}

TEST(Multigrid, ACycleTakesOffMostOfTheError) {
  for (const Grid& grid : kGrids) {
    for (auto precision : {Multigrid::Precision::single, Multigrid::Precision::double_}) {
      const Field uniform(grid, 3.0);
      EXPECT_LT(worst_reduction(make_problem("benchmark", uniform), precision), 0.25) << grid.resolution();
      EXPECT_LT(worst_reduction(make_problem("drive", uniform), precision), 0.25) << grid.resolution();
      // A square block a hundred times as permeable, off the coarse grids.
      Field block(grid, 1.0);
      for (int j = grid.ny / 3; j < 2 * grid.ny / 3; ++j) {
        for (int i = grid.nx / 3; i < 2 * grid.nx / 3; ++i) block(i, j) = 100.0;
      }
      EXPECT_LT(worst_reduction(make_problem("benchmark", block), precision), 0.45) << grid.resolution();
    }
  }
}

// One step of the smoother where flat grids take two, and a plane whose directions differ by the three times that coarsening still allows.
TEST(Multigrid, ACycleTakesOffHalfOfTheErrorOfAVolume) {
  for (const Grid& grid : kVolumes) {
    for (auto precision : {Multigrid::Precision::single, Multigrid::Precision::double_}) {
      const Field uniform(grid, 3.0);
      EXPECT_LT(worst_reduction(make_problem("benchmark", uniform), precision), 0.55) << grid.resolution();
      EXPECT_LT(worst_reduction(make_problem("drive", uniform), precision), 0.55) << grid.resolution();
    }
  }
}

TEST(Multigrid, SolvesASingleCellAtOnce) {
  const Stencil stencil(make_problem("benchmark", Field(Grid{1, 1}, 2.0)));
  Multigrid multigrid;
  multigrid.set_up(stencil, Multigrid::Precision::double_);
  const double r = 3.0;
  double z = 0.0;
  EXPECT_EQ(multigrid.apply(&r, &z), 3.0);
  EXPECT_NEAR(z, 3.0 / stencil.diagonal(0, 0), tolerance::kExact);
}

TEST(Multigrid, ForgetsTheProblemBefore) {
  for (const Grid& grid : {Grid{37, 21}, volume(11, 6, 5, 1)}) {
    const Stencil first(make_problem("drive", rough_permeability(grid)));
    const Stencil second(make_problem("benchmark", Field(grid, 1.0)));
    const Values r = random_values(grid.cells(), 4);
    Values used(r.size());
    Values fresh(r.size());
    Multigrid multigrid;
    multigrid.set_up(first, Multigrid::Precision::single);
    multigrid.apply(r.data(), used.data());
    multigrid.set_up(second, Multigrid::Precision::single);
    multigrid.apply(r.data(), used.data());
    Multigrid other;
    other.set_up(second, Multigrid::Precision::single);
    other.apply(r.data(), fresh.data());
    EXPECT_EQ(used, fresh);
  }
}

TEST(Multigrid, LeavesTheConstantOfAClosedDomainAlone) {
  const Grid grid{24, 24};
  const Stencil stencil(make_problem("five-spot", rough_permeability(grid)));
  Multigrid multigrid;
  multigrid.set_up(stencil, Multigrid::Precision::double_);
  Values z(grid.cells());
  multigrid.apply(stencil.rhs.data(), z.data());
  for (double value : z) ASSERT_TRUE(std::isfinite(value));
  EXPECT_GT(dot(z, stencil.rhs), 0);
}

}  // namespace
}  // namespace mano
