#include "surrogate/multigrid/grid_transfer.hpp"

#include <gtest/gtest.h>

#include "core/norms.hpp"
#include "datagen/random_field.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/darcy_operator.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

TEST(GridTransfer, OfTensorsIsThatOfFields) {
  const Field fine = draw_field({}, 3, 0, {22, 13});
  const auto tensor = torch::tensor(fine.values, torch::kFloat64).view({1, 1, 13, 22});
  const Ends ends = known_problem("drive")->ends;
  for (const Resolution target :
       {Resolution{11, 7}, Resolution{44, 5}, Resolution{22, 13}, Resolution{40, 31}}) {
    const auto compare = [&](const torch::Tensor& moved, const Field& expected) {
      const auto e = torch::tensor(expected.values, torch::kFloat64).view({1, 1, target.ny, target.nx});
      EXPECT_LT((moved - e).abs().max().item<double>(), tolerance::kExact * 12) << target.text();
    };
    for (const bool gradients : {true, false}) {
      const torch::AutoGradMode mode(gradients);
      compare(restricted(tensor, target, Location::cell), restrict_to(fine, target, Location::cell));
      compare(restricted(tensor, target, Location::node), restrict_to(fine, target, Location::node));
      compare(interpolated(tensor, target, Location::cell, ends),
              interpolate_to(fine, target, Location::cell, ends));
    }
  }
}

// Many numbers a cell, some rows at a time, with and without inactive cells: as every channel for itself.
TEST(GridTransfer, OfPointsIsThatOfChannels) {
  torch::manual_seed(2);
  const auto values = torch::randn({2, 5, 6, 4}, torch::kFloat64);
  for (const Resolution target : {Resolution{8, 12}, Resolution{7, 9}, Resolution{4, 6}}) {
    const auto rock = (torch::rand({2, 1, target.ny, target.nx}, torch::kFloat64) - 0.3).clamp_min(0);
    for (const bool holes : {false, true}) {
      const auto from = active_part(rock, {4, 6}, holes), to = active_part(rock, target, holes);
      const auto expected =
          interpolated(hidden(values, from), from, to, target, Location::cell, kConstantEnds);
      const PointInterpolation points(values, from, to, target);
      const auto found = torch::cat({points.rows(0, 2), points.rows(2, target.ny)}, 2);
      EXPECT_LT((found - expected).abs().max().item<double>(), tolerance::kExact) << target.text();
    }
  }
}

TEST(GridHierarchy, DoublesAndEndsAtTheTarget) {
  using List = std::vector<Resolution>;
  EXPECT_EQ(grid_hierarchy({32, 32}, {128, 128}), (List{{64, 64}, {128, 128}}));
  EXPECT_EQ(grid_hierarchy({32, 32}, {48, 48}), (List{{48, 48}}));
  EXPECT_EQ(grid_hierarchy({32, 32}, {85, 85}), (List{{64, 64}, {85, 85}}));
  EXPECT_EQ(grid_hierarchy({32, 32}, {100, 37}), (List{{64, 37}, {100, 37}}));
  EXPECT_EQ(grid_hierarchy({32, 32}, {421, 421}), (List{{64, 64}, {128, 128}, {256, 256}, {421, 421}}));
  EXPECT_EQ(grid_hierarchy({32, 32}, {100, 16}), (List{{64, 32}, {100, 32}}));
  EXPECT_EQ(grid_hierarchy({32, 32}, {16, 16}), List{});
}

}  // namespace
}  // namespace mano
