// A reflected problem has the reflected solution: checked by solving both.
#include "surrogate/training/symmetry.hpp"

#include <gtest/gtest.h>

#include "datagen/random_field.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/darcy_operator.hpp"

namespace mano {
namespace {

TEST(Symmetry, TurnsSolutionsIntoSolutions) {
  for (const Grid& grid : {Grid{12, 12, 1.0, 1.0}, Grid{14, 9, 3.0, 1.0}}) {
    const Field field = draw_field({}, 9, 2, grid);
    const auto k = torch::tensor(field.values, torch::kFloat64).view({1, 1, grid.ny, grid.nx});
    for (const char* name : {"benchmark", "drive", "five-spot"}) {
      const KnownProblem problem_name = *known_problem(name);
      const auto p = DarcyOperator(k, grid, problem_name).solve(1e-12);
      const auto list = symmetries(name, grid, Location::cell);
      const bool square = grid.nx == grid.ny;
      const std::string which(name);
      EXPECT_EQ(list.size(), which == "benchmark" ? (square ? 8u : 4u)
                             : which == "drive"   ? 4u
                                                  : (square ? 4u : 2u));
      for (const Symmetry& s : list) {
        const auto expected = DarcyOperator(reflected(k, s), grid, problem_name).solve(1e-12);
        const auto turned = reflected(p, s) * s.sign + s.offset;
        EXPECT_LT((turned - expected).abs().max().item<double>(), 1e-9 * p.abs().max().item<double>())
            << name;
      }
    }
  }
}

TEST(Symmetry, OfNodesIsTheExchangeAlone) {
  const auto list = symmetries("benchmark", {8, 8}, Location::node);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_TRUE(list[1].exchange && !list[1].flip_x && !list[1].flip_y);
  EXPECT_EQ(symmetries("drive", {8, 8}, Location::node).size(), 1u);
}

TEST(Symmetry, OfDisplacementsAreThoseThatKeepWhatDrivesThem) {
  const auto count = [](const char* flow, const Grid& grid) {
    const auto list = history_symmetries(std::string(R"({"flow":)") + flow + "}", grid);
    for (const Symmetry& s : list) EXPECT_EQ(s.sign, 1.0);
    return list.size();
  };
  EXPECT_EQ(count(R"({"driven_by":"five-spot"})", {8, 8}), 2u);
  EXPECT_EQ(count(R"({"driven_by":"closed","wells":["0.1,0.1,rate=1"]})", {8, 8}), 1u);
  // Wells of each sample's own are reflected with the rock, unless the rest is no longer symmetric.
  EXPECT_EQ(count(R"({"driven_by":"closed","own_wells":true})", {8, 8}), 8u);
  EXPECT_EQ(count(R"({"driven_by":"closed","own_wells":true})", {8, 6}), 4u);
  EXPECT_EQ(count(R"({"driven_by":"closed","own_wells":true,"anisotropy":0.5})", {8, 8}), 1u);
  EXPECT_EQ(count(R"({"driven_by":"closed","own_wells":true,"left":"pressure=1"})", {8, 8}), 1u);
}

TEST(Symmetry, OfUnknownEquationsIsTheIdentityAlone) {
  EXPECT_EQ(symmetries("unknown", {8, 8}, Location::cell).size(), 1u);
}

}  // namespace
}  // namespace mano
