// The ladder of grids with networks of random weights: what holds whatever they have learnt.
#include "surrogate/model.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "datagen/random_field.hpp"
#include "surrogate/grid_transfer.hpp"
#include "surrogate/refinement.hpp"
#include "surrogate/symmetry.hpp"

namespace mano {
namespace {

torch::Tensor permeability(const Grid& grid) {
  const Field a = draw_field({}, 2, 0, grid), b = draw_field({}, 2, 1, grid);
  auto k = torch::tensor(a.values, torch::kFloat64).view({1, 1, grid.ny, grid.nx});
  return torch::cat({k, torch::tensor(b.values, torch::kFloat64).view({1, 1, grid.ny, grid.nx})});
}

SurrogateModel model_of(const std::string& setup) {
  SurrogateModel m;
  m.card.setup = setup;
  m.card.resolutions = {{8, 8}};
  m.card.architecture.dim = 8;
  m.card.architecture.depth = 1;
  m.card.architecture.heads = 2;
  m.card.architecture.dim_head = 4;
  m.card.knows_equation = knows_equation(setup, Location::cell);
  m.base = make_network(m.card.architecture, 1);
  m.card.refinement = architecture_preset("refinement");
  m.refinement = make_network(*m.card.refinement, 2);
  m.card.refinement_gain = 0.7;
  m.card.sweeps = 2;
  return m;
}

double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

TEST(Refinement, IsHomogeneousInTheDefect) {
  const Grid grid{12, 9};
  const DarcyOperator darcy(permeability(grid), grid, *known_setup("benchmark"));
  const auto network = make_network(architecture_preset("refinement"), 3);
  const auto defect = darcy.defect(torch::ones({2, 1, 9, 12}, torch::kFloat64));
  const auto once = correction(*network, darcy.shares(), defect, 0.5);
  const auto scaled = correction(*network, darcy.shares(), defect * 1e-4, 0.5);
  EXPECT_LT(distance(scaled * 1e4, once), 1e-5);
  EXPECT_EQ(correction(*network, darcy.shares(), torch::zeros_like(defect), 0.5).abs().max().item<double>(),
            0.0);
}

TEST(Refinement, LeavesExactSolutionsAlone) {
  const Grid grid{16, 12};
  for (const char* setup : {"benchmark", "drive", "five-spot"}) {
    const SurrogateModel m = model_of(setup);
    const auto k = permeability(grid);
    const auto exact = DarcyOperator(k, grid, *known_setup(setup)).solve(1e-12);
    EXPECT_LT(distance(m.refine(k, grid, exact, 3), exact), 1e-8) << setup;
  }
}

TEST(Refinement, NeverRaisesTheEnergyOfTheError) {
  const Grid grid{16, 12};
  for (const char* setup : {"benchmark", "drive", "five-spot"}) {
    SurrogateModel m = model_of(setup);
    m.card.refinement_gain = 30.0;  // steps far too long
    const auto k = permeability(grid);
    const DarcyOperator darcy(k, grid, *known_setup(setup));
    const auto exact = darcy.solve(1e-12);
    const auto energy = [&](const torch::Tensor& p) {
      return sum_of_products(exact - p, darcy.apply(exact - p)).sqrt().flatten();
    };
    auto p = torch::zeros_like(exact);
    auto before = energy(p);
    for (int sweep = 0; sweep < 4; ++sweep) {
      p = m.refine(k, grid, p, 1);
      const auto after = energy(p);
      EXPECT_TRUE((after < before).all().item<bool>()) << setup << ", sweep " << sweep;
      before = after;
    }
  }
}

TEST(Ladder, BeginsOnTheNetworksGrid) {
  SurrogateModel m = model_of("benchmark");
  m.refinement = nullptr;
  m.card.resolutions = {{16, 16}};
  m.card.coarsening = 2;
  const Grid grid{16, 16};
  const auto k = permeability(grid);
  const auto base = m.direct(restricted(k, {8, 8}, Location::cell), {8, 8});
  const auto expected = interpolated(base, {16, 16}, Location::cell, known_setup("benchmark")->ends);
  EXPECT_LT(distance(m.by_ladder(k, grid, {16, 16}), expected), 1e-12);
}

TEST(Ladder, TakesTwiceTheSweepsBeyondTheTrainingResolution) {
  SurrogateModel m = model_of("benchmark");
  EXPECT_EQ(m.card.sweeps_to({8, 8}, {8, 8}), 2);
  EXPECT_EQ(m.card.sweeps_to({4, 16}, {8, 8}), 4);
  // On the way there too.
  m.card.coarsening = 2;
  m.card.resolutions = {{16, 16}};
  const Grid grid{32, 16};
  const auto k = permeability(grid);
  const auto coarse = restricted(k, {8, 8}, Location::cell), half = restricted(k, {16, 16}, Location::cell);
  auto p = m.direct(coarse, {8, 8});
  p = m.refine(half, {16, 16}, interpolated(p, {16, 16}, Location::cell, m.ends()), 4);
  p = m.refine(k, grid, interpolated(p, {32, 16}, Location::cell, m.ends()), 4);
  EXPECT_LT(distance(m.by_ladder(k, grid, {16, 16}), p), 1e-6);
  m.card.knows_equation = false;
  EXPECT_EQ(m.card.sweeps_to({16, 8}, {8, 8}), 2);
}

TEST(Ladder, ScalesAsTheEquationDoes) {
  // Twice the permeability, half the pressure: the refinement obeys, whatever its weights; the base's share is taken out by an exact
  // start.
  const SurrogateModel m = model_of("benchmark");
  const Grid grid{20, 17};
  const auto k = permeability(grid);
  const LadderOptions exact{.exact_start = true};
  EXPECT_LT(distance(m.by_ladder(2 * k, grid, {8, 8}, exact) * 2, m.by_ladder(k, grid, {8, 8}, exact)), 1e-5);
  // And so in a domain of another size: p scales as its square.
  const Grid larger{20, 17, 3.0, 3.0};
  EXPECT_LT(distance(m.by_ladder(k, larger, {8, 8}, exact), m.by_ladder(k, grid, {8, 8}, exact) * 9), 1e-5);
}

TEST(Ladder, ReachesAnySize) {
  const SurrogateModel m = model_of("drive");
  for (const Resolution r :
       {Resolution{8, 8}, Resolution{4, 5}, Resolution{13, 8}, Resolution{37, 20}, Resolution{20, 4}}) {
    const Grid grid{r.nx, r.ny};
    const auto p = m.by_ladder(permeability(grid), grid, {8, 8});
    EXPECT_EQ(p.sizes(), (std::vector<int64_t>{2, 1, r.ny, r.nx}));
    EXPECT_TRUE(torch::isfinite(p).all().item<bool>());
  }
}

TEST(Ladder, WithoutRefinementIsInterpolation) {
  SurrogateModel m = model_of("drive");
  m.refinement = nullptr;
  const Grid grid{16, 16};
  const auto k = permeability(grid);
  const auto base = m.direct(restricted(k, {8, 8}, Location::cell), {8, 8});
  const auto expected = interpolated(base, {16, 16}, Location::cell, known_setup("drive")->ends);
  EXPECT_LT(distance(m.by_ladder(k, grid, {8, 8}), expected), 1e-12);
  EXPECT_LT(distance(m.by_interpolation(k, grid, {8, 8}), expected), 1e-12);
}

TEST(Ladder, JacobiSweepsLessenTheDefect) {
  const SurrogateModel m = model_of("benchmark");
  const Grid grid{16, 16};
  const auto k = permeability(grid);
  const DarcyOperator darcy(k, grid, *known_setup("benchmark"));
  const auto defect = [&](int sweeps) {
    return darcy.defect(m.by_ladder(k, grid, {8, 8}, {.exact_start = true, .jacobi_sweeps = sweeps}))
        .norm()
        .item<double>();
  };
  EXPECT_LT(defect(16), 0.5 * defect(1));
}

}  // namespace
}  // namespace mano
