// The hierarchy of grids with networks of random weights: what holds whatever they have learnt.
#include "surrogate/multigrid/model.hpp"

#include <gtest/gtest.h>

#include "datagen/random_field.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/refinement.hpp"
#include "surrogate/operator_counter.hpp"
#include "surrogate/training/symmetry.hpp"

namespace mano {
namespace {

torch::Tensor permeability(const Grid& grid) {
  const Field a = draw_field({}, 2, 0, grid), b = draw_field({}, 2, 1, grid);
  auto k = torch::tensor(a.values, torch::kFloat64).view({1, 1, grid.ny, grid.nx});
  return torch::cat({k, torch::tensor(b.values, torch::kFloat64).view({1, 1, grid.ny, grid.nx})});
}

SurrogateModel model_of(const std::string& problem_name) {
  SurrogateModel m;
  m.card.problem_name = problem_name;
  m.card.resolutions = {{8, 8}};
  m.card.architecture.dim = 8;
  m.card.architecture.depth = 1;
  m.card.architecture.heads = 2;
  m.card.architecture.dim_head = 4;
  m.card.knows_equation = knows_equation(problem_name, Location::cell);
  m.base = make_network(m.card.architecture, 1);
  m.card.refinement = architecture_preset("refinement");
  m.refinement = make_network(*m.card.refinement, 2);
  m.card.refinement_gain = 0.7;
  m.card.correction_steps = 2;
  m.card.cycles = 3;
  return m;
}

double distance(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

torch::Tensor energy(const DarcyOperator& darcy, const torch::Tensor& error) {
  return sum_of_products(error, darcy.apply(error)).sqrt().flatten();
}

TEST(Refinement, IsHomogeneousInTheDefect) {
  const Grid grid{12, 9};
  const DarcyOperator darcy(permeability(grid), grid, *known_problem("benchmark"));
  const auto network = make_network(architecture_preset("refinement"), 3);
  const auto defect = darcy.defect(torch::ones({2, 1, 9, 12}, torch::kFloat64));
  const auto once = correction(*network, darcy.shares(), defect, 0.5);
  const auto scaled = correction(*network, darcy.shares(), defect * 1e-4, 0.5);
  EXPECT_LT(distance(scaled * 1e4, once), 1e-5);
  EXPECT_EQ(correction(*network, darcy.shares(), torch::zeros_like(defect), 0.5).abs().max().item<double>(),
            0.0);
}

// A field that repeats every number of the network's grid 3x2 times gives on each of the grids laid into each other what the network
// says of those numbers; only the places of its points differ, which a network with zero weights for x and y does not see.
TEST(Interleaved, IsTheNetworkOnEveryGridOfEveryFewPoints) {
  SurrogateModel m = model_of("benchmark");
  {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, parameter] : m.base->named_parameters())
      if (name == "linear_p.weight") parameter.narrow(1, 1, 2).zero_();
  }
  const auto coarse = permeability({8, 8});
  const auto fine = coarse.repeat_interleave(2, 2).repeat_interleave(3, 3);
  const auto expected = m.direct(coarse, {8, 8});
  const auto out = m.interleaved(fine, {24, 16}, {8, 8});
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 3; ++column)
      EXPECT_LT(distance(out.slice(2, row, 16, 2).slice(3, column, 24, 3), expected), 1e-6);
  }
}

TEST(Interleaved, IsDirectOnGridsThatAreNearerToTheNetworksThanToTwiceIt) {
  const SurrogateModel m = model_of("benchmark");
  const auto k = permeability({11, 8});
  EXPECT_LT(distance(m.interleaved(k, {11, 8}, {8, 8}), m.direct(k, {11, 8})), 1e-7);
}

TEST(Refinement, LeavesExactSolutionsAlone) {
  const Grid grid{16, 12};
  for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
    const SurrogateModel m = model_of(problem_name);
    const auto k = permeability(grid);
    const DarcyOperator darcy(k, grid, *known_problem(problem_name));
    const auto exact = darcy.solve(1e-12);
    EXPECT_LT(distance(m.refine(darcy, exact, 3), exact), 1e-8) << problem_name;
  }
}

TEST(Refinement, NeverRaisesTheEnergyOfTheError) {
  const Grid grid{16, 12};
  for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
    SurrogateModel m = model_of(problem_name);
    m.card.refinement_gain = 30.0;  // steps far too long
    const auto k = permeability(grid);
    const DarcyOperator darcy(k, grid, *known_problem(problem_name));
    const auto exact = darcy.solve(1e-12);
    auto p = torch::zeros_like(exact);
    auto before = energy(darcy, exact - p);
    for (int step = 0; step < 4; ++step) {
      p = m.refine(darcy, p, 1);
      const auto after = energy(darcy, exact - p);
      EXPECT_TRUE(
          (after < (step == 0 ? before : before * (1 + 1e-12))).all().item<bool>())  // but for rounding
          << problem_name << ", step " << step;
      before = after;
    }
  }
}

// With and without gradients two pieces of code compute the same.
TEST(Refinement, WithoutGradientsIsTheOneWith) {
  const Grid grid{16, 12};
  for (const double gain : {0.7, 30.0}) {
    for (const char* name : {"benchmark", "drive", "five-spot"}) {
      SurrogateModel m = model_of(name);
      m.card.refinement_gain = gain;
      for (const bool holed : {false, true}) {
        auto k = permeability(grid);
        if (holed) k.slice(2, 3, 6).slice(3, 2, 9).zero_();
        const auto part = active_part(k, {16, 12}, holed);
        const DarcyOperator darcy(k, grid, *known_problem(name), part);
        const auto start =
            hidden(torch::sin(torch::arange(2 * 192, torch::kFloat64)).view({2, 1, 12, 16}), part);
        const auto with = m.refine(darcy, start, 2).detach();
        const auto residual = darcy.residual(start), safe = darcy.safe(start);
        const torch::NoGradGuard no_grad;
        EXPECT_LT(distance(m.refine(darcy, start, 2), with), 1e-6) << name;
        EXPECT_LT(distance(darcy.residual(start), residual), 1e-13) << name;
        EXPECT_LT(distance(darcy.safe(start), safe), 1e-12) << name;
      }
    }
  }
}

TEST(Multigrid, WithoutGradientsIsTheOneWith) {
  for (const Resolution r : {Resolution{32, 16}, Resolution{37, 19}}) {
    SurrogateModel m = model_of("benchmark");
    const Grid grid{r.nx, r.ny};
    const auto k = permeability(grid);
    const auto with = m.by_multigrid(k, grid, {8, 8}).detach();
    {
      const torch::NoGradGuard no_grad;
      EXPECT_LT(distance(m.by_multigrid(k, grid, {8, 8}), with), 1e-5) << r.text();
    }
    m.freeze();
    const torch::InferenceMode inference;
    EXPECT_LT(distance(m.by_multigrid(k, grid, {8, 8}), with), 1e-5) << r.text();
  }
}

// Alone, a small field waits for calls of operators. As operators throughout, a correction was 51 around its network.
TEST(Multigrid, ACorrectionOfAFrozenModelIsFewCalls) {
  SurrogateModel m = model_of("benchmark");
  m.card.correction_steps = 1;
  m.freeze();
  const Grid grid{32, 16};
  const auto k = permeability(grid);
  const torch::InferenceMode inference;
  const DarcyOperator darcy(k, grid, *known_problem("benchmark"));
  const auto start = darcy.solve(1e-1);
  m.refine(darcy, start, 1);
  const auto calls = [&](const std::function<void()>& work) {
    int sum = 0;
    for (const auto& [name, count] : OperatorCounter::of(work).second) sum += count;
    return sum;
  };
  const auto asked = darcy.ask(start);
  const int of_network = calls([&] { m.refinement->forward(asked.input); });
  EXPECT_LE(calls([&] { m.refine(darcy, start, 1); }), of_network + 8);
  EXPECT_LE(of_network, 40);
}

// So that a GPU can record it.
TEST(Multigrid, APredictionAsksNothingOfTheHost) {
  SurrogateModel m = model_of("benchmark");
  const Grid grid{32, 16};
  const auto k = permeability(grid);
  const torch::InferenceMode inference;
  const auto counts = OperatorCounter::of([&] { m.by_multigrid(k, grid, {8, 8}); }).first;
  EXPECT_GT(counts.size(), 0u);
  for (const char* waits : {"aten::item", "aten::_local_scalar_dense", "aten::nonzero", "aten::is_nonzero"})
    EXPECT_EQ(counts.count(waits), 0u) << waits;
}

TEST(Multigrid, BeginsOnTheNetworksGrid) {
  SurrogateModel m = model_of("benchmark");
  m.refinement = nullptr;
  m.card.resolutions = {{16, 16}};
  m.card.coarsening = 2;
  const Grid grid{16, 16};
  const auto k = permeability(grid);
  const auto base = m.direct(restricted(k, {8, 8}, Location::cell), {8, 8});
  const auto expected = interpolated(base, {16, 16}, Location::cell, known_problem("benchmark")->ends);
  EXPECT_LT(distance(m.by_multigrid(k, grid, {16, 16}), expected), 1e-12);
}

TEST(Multigrid, RefinesOnEachGridOnTheWay) {
  SurrogateModel m = model_of("benchmark");
  m.card.cycles = 1;
  m.card.coarsening = 2;
  m.card.resolutions = {{16, 16}};
  const KnownProblem problem_name = *known_problem("benchmark");
  const Grid half{16, 16}, grid{32, 16};
  const auto k = permeability(grid);
  const auto coarse = restricted(k, {8, 8}, Location::cell), middle = restricted(k, {16, 16}, Location::cell);
  auto p = m.direct(coarse, {8, 8});
  p = m.refine(DarcyOperator(middle, half, problem_name), interpolated(p, {16, 16}, Location::cell, m.ends()),
               1);
  p = m.refine(DarcyOperator(k, grid, problem_name), interpolated(p, {32, 16}, Location::cell, m.ends()), 1);
  EXPECT_LT(distance(m.by_multigrid(k, grid, {16, 16}), p), 1e-6);
}

TEST(Multigrid, EachCycleLessensTheEnergyOfTheError) {
  // Of networks of random weights: by the safeguard, on grids that halve and on those that do not.
  for (const char* name : {"benchmark", "drive", "five-spot"}) {
    for (const Resolution r : {Resolution{32, 16}, Resolution{37, 19}, Resolution{8, 20}}) {
      SurrogateModel m = model_of(name);
      m.card.refinement_gain = 30.0;  // steps far too long
      const Grid grid{r.nx, r.ny};
      const auto k = permeability(grid);
      const DarcyOperator darcy(k, grid, *known_problem(name));
      const auto exact = darcy.solve(1e-12);
      m.card.cycles = 1;
      auto before = energy(darcy, exact - m.by_multigrid(k, grid, {8, 8}));
      for (m.card.cycles = 2; m.card.cycles < 5; ++m.card.cycles) {
        const auto after = energy(darcy, exact - m.by_multigrid(k, grid, {8, 8}));
        EXPECT_TRUE((after < before).all().item<bool>())
            << name << ", " << r.text() << ", cycle " << m.card.cycles;
        before = after;
      }
    }
  }
}

TEST(Multigrid, JacobiCyclesToTheSolution) {
  // Restriction and interpolation are those of a multigrid cycle: with a smoother that is known to work the cycles converge.
  for (const char* name : {"benchmark", "drive", "five-spot"}) {
    for (const Resolution r : {Resolution{32, 32}, Resolution{37, 19}}) {
      SurrogateModel m = model_of(name);
      const Grid grid{r.nx, r.ny};
      const auto k = permeability(grid);
      const auto exact = DarcyOperator(k, grid, *known_problem(name)).solve(1e-12);
      m.card.cycles = 24;
      EXPECT_LT(distance(m.by_multigrid(k, grid, {8, 8}, {.jacobi_steps = 16}), exact), 1e-5)
          << name << ", " << r.text();
    }
  }
}

TEST(Multigrid, CyclesOnceWhereTheEquationIsNotKnown) {
  SurrogateModel m = model_of("benchmark");
  m.card.knows_equation = false;
  m.card.cycles = 1;
  const Grid grid{16, 16};
  const auto once = m.by_multigrid(permeability(grid), grid, {8, 8});
  m.card.cycles = 3;
  EXPECT_TRUE(torch::equal(m.by_multigrid(permeability(grid), grid, {8, 8}), once));
}

TEST(ModelCard, OfBeforeCyclesWasThereCyclesAsOthersDo) {
  SurrogateModel m = model_of("benchmark");
  auto metadata = to_metadata(m.card);
  EXPECT_EQ(card_from_metadata(metadata, "here").cycles, 3);
  metadata.erase("cycles");
  EXPECT_EQ(card_from_metadata(metadata, "here").cycles, default_cycles(true));
  metadata["refinement_form"] = "approximate";
  EXPECT_EQ(card_from_metadata(metadata, "here").cycles, 1);
}

TEST(Multigrid, ScalesAsTheEquationDoes) {
  // Twice the permeability, half the pressure: the refinement obeys, whatever its weights; the base's share is taken out by an exact
  // start.
  const SurrogateModel m = model_of("benchmark");
  const Grid grid{20, 17};
  const auto k = permeability(grid);
  const MultigridOptions exact{.exact_start = true};
  EXPECT_LT(distance(m.by_multigrid(2 * k, grid, {8, 8}, exact) * 2, m.by_multigrid(k, grid, {8, 8}, exact)),
            1e-5);
  // And so in a domain of another size: p scales as its square.
  const Grid larger{20, 17, 3.0, 3.0};
  EXPECT_LT(distance(m.by_multigrid(k, larger, {8, 8}, exact), m.by_multigrid(k, grid, {8, 8}, exact) * 9),
            1e-5);
}

TEST(Multigrid, ReachesAnySize) {
  const SurrogateModel m = model_of("drive");
  for (const Resolution r :
       {Resolution{8, 8}, Resolution{4, 5}, Resolution{13, 8}, Resolution{37, 20}, Resolution{20, 4}}) {
    const Grid grid{r.nx, r.ny};
    const auto p = m.by_multigrid(permeability(grid), grid, {8, 8});
    EXPECT_EQ(p.sizes(), (std::vector<int64_t>{2, 1, r.ny, r.nx}));
    EXPECT_TRUE(torch::isfinite(p).all().item<bool>());
  }
}

TEST(Multigrid, WithoutRefinementIsInterpolation) {
  SurrogateModel m = model_of("drive");
  m.refinement = nullptr;
  const Grid grid{16, 16};
  const auto k = permeability(grid);
  const auto base = m.direct(restricted(k, {8, 8}, Location::cell), {8, 8});
  const auto expected = interpolated(base, {16, 16}, Location::cell, known_problem("drive")->ends);
  EXPECT_LT(distance(m.by_multigrid(k, grid, {8, 8}), expected), 1e-12);
  EXPECT_LT(distance(m.by_interpolation(k, grid, {8, 8}), expected), 1e-12);
}

TEST(Multigrid, JacobiStepsLessenTheDefect) {
  const SurrogateModel m = model_of("benchmark");
  const Grid grid{16, 16};
  const auto k = permeability(grid);
  const DarcyOperator darcy(k, grid, *known_problem("benchmark"));
  const auto defect = [&](int steps) {
    return darcy.defect(m.by_multigrid(k, grid, {8, 8}, {.exact_start = true, .jacobi_steps = steps}))
        .norm()
        .item<double>();
  };
  EXPECT_LT(defect(16), 0.5 * defect(1));
}

// Two blobs in permeability(): 0 marks them.
torch::Tensor holed(torch::Tensor k) {
  const int64_t h = k.size(2), w = k.size(3);
  k.slice(2, h / 4, h / 2).slice(3, w / 8, w / 2).zero_();
  k.slice(2, 5 * h / 8, 7 * h / 8).slice(3, w / 2, 3 * w / 4).zero_();
  return k;
}

SurrogateModel model_with_inactive(const std::string& problem_name, Architecture::Model kind) {
  SurrogateModel m = model_of(problem_name);
  m.card.architecture = architecture_preset("small", kind);
  m.card.architecture.channels_in = 4;
  m.base = make_network(m.card.architecture, 1);
  return m;
}

TEST(Hierarchy, HoldsNoPressureInInactiveCells) {
  const Grid grid{32, 24};
  const auto k = holed(permeability(grid));
  for (const char* name : {"benchmark", "drive", "five-spot", "unknown"}) {
    for (auto kind : {Architecture::Model::mano, Architecture::Model::mat, Architecture::Model::fno}) {
      const SurrogateModel m = model_with_inactive(name, kind);
      for (const auto& p : {m.by_multigrid(k, grid, {16, 12}), m.direct(k, grid),
                            m.interleaved(k, grid, {16, 12}), m.by_interpolation(k, grid, {16, 12})}) {
        EXPECT_TRUE(torch::isfinite(p).all().item<bool>()) << name;
        EXPECT_EQ((p * (k == 0)).abs().max().item<double>(), 0.0) << name;
        EXPECT_GT(p.abs().max().item<double>(), 0.0) << name;
      }
    }
  }
}

// The equation's solution leaves no residual, so nothing changes it; and with inactive cells it is the equation's solution still.
TEST(Hierarchy, LeavesTheSolutionAmongInactiveCellsAlone) {
  const Grid grid{32, 24};
  const auto k = holed(permeability(grid));
  for (const char* name : {"benchmark", "drive", "five-spot"}) {
    const SurrogateModel m = model_with_inactive(name, Architecture::Model::mano);
    const auto exact =
        DarcyOperator(k, grid, *known_problem(name), active_part(k, {grid.nx, grid.ny})).solve(1e-10);
    EXPECT_LT(distance(m.by_multigrid(k, grid, {grid.nx, grid.ny}, {.exact_start = true}), exact), 1e-6)
        << name;
    // From half as fine, cycles lessen what interpolation left.
    std::vector<double> left;
    const auto from_half = m.by_multigrid(
        k, grid, {grid.nx / 2, grid.ny / 2},
        {.exact_start = true, .jacobi_steps = 8, .after_cycle = [&](int, const torch::Tensor& p) {
           left.push_back(distance(p, exact));
         }});
    ASSERT_EQ(left.size(), 3u);
    EXPECT_LT(left[2], left[0]) << name;
  }
}

TEST(Transfers, OfActivePartsKeepAConstant) {
  const Grid grid{32, 24};
  const auto k = holed(permeability(grid));
  const Resolution own{grid.nx, grid.ny}, coarse{11, 12};
  const auto part = active_part(k, own), there = active_part(k, coarse);
  const auto constant = hidden(torch::full_like(k, 3.0), part) + (k == 0) * 1e6;
  const auto mean = restricted(constant, part, coarse, Location::cell);
  EXPECT_LT(((mean - 3.0) * (there > 0)).abs().max().item<double>(), 1e-9);
  const AxisEnd mirror{AxisEnd::Kind::mirror}, prescribed{AxisEnd::Kind::value, 3.0};
  const auto fine =
      interpolated(mean, there, part, own, Location::cell, {mirror, prescribed, mirror, prescribed});
  EXPECT_LT(((fine - 3.0) * (part > 0)).abs().max().item<double>(), 1e-9);
  EXPECT_EQ((fine * (part == 0)).abs().max().item<double>(), 0.0);
}

}  // namespace
}  // namespace mano
