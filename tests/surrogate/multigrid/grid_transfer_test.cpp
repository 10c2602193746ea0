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
    compare(restricted(tensor, target, Location::cell), restrict_to(fine, target, Location::cell));
    compare(restricted(tensor, target, Location::node), restrict_to(fine, target, Location::node));
    compare(interpolated(tensor, target, Location::cell, ends),
            interpolate_to(fine, target, Location::cell, ends));
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
