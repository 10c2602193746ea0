#include "apps/ensemble/hierarchy.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "solver/flow.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

struct Rock {
  FieldSource source;
  FlowSource flow, rock;
  EnsembleSetup setup;

  Rock(FieldOptions field, FlowOptions drive, const std::vector<std::string>& quantities)
      : source(std::move(field)), flow(std::move(drive), source), rock(closed(), source) {
    setup = {.source = &source, .flow = &flow, .rock = &rock, .tolerance = 1e-11};
    Sample ones;
    ones.permeability = Field(Grid{8, 8}, 1.0);
    for (const auto& q : quantities) setup.quantities.push_back(parse_quantity(q, flow, flow.problem(ones)));
  }
  static FlowOptions closed() {
    FlowOptions o;
    o.problem_name = "closed";
    return o;
  }
};

FieldOptions field_of(const std::string& kind) {
  FieldOptions o;
  o.field = kind;
  o.seed = 3;
  return o;
}

FlowOptions problem_of(const std::string& name) {
  FlowOptions o;
  o.problem_name = name;
  return o;
}

TEST(HalvedGrids, GoDownToFourCells) {
  const std::vector<Grid> grids = halved_grids({96, 32, 3.0, 1.0});
  ASSERT_EQ(grids.size(), 4u);
  EXPECT_EQ(grids[0].resolution(), "12x4");
  EXPECT_EQ(grids[3].resolution(), "96x32");
  EXPECT_EQ(grids[0].lx, 3.0);
  EXPECT_EQ(halved_grids({33, 32}).size(), 1u);
  EXPECT_EQ(finest_of_all({1, 1, 2.5, 1.0}).resolution(), "2560x1024");
  EXPECT_THROW(finest_of_all({1, 1, 1.0, 40.0}), InvalidInput);
}

TEST(FirstFinest, ResolvesTheRock) {
  const std::vector<Grid> grids = halved_grids({1024, 1024});
  FieldSpec spec;
  const auto cells = [&] { return grids[first_finest_of(grids, spec)].nx; };
  EXPECT_EQ(cells(), 32);
  spec.kind = "lognormal";
  spec.correlation_length_x = 0.5;
  spec.correlation_length_y = 1.0 / 32;
  EXPECT_EQ(cells(), 128);
  spec.correlation_length_x = 1e-4;
  EXPECT_EQ(cells(), 1024);  // the finest there is
  spec.kind = "channels";
  EXPECT_EQ(cells(), 64);  // 0.08 of the height
  spec.kind = "layered";
  spec.layers = 30;
  EXPECT_EQ(cells(), 128);
}

TEST(Hierarchy, LayersHaveTheirArithmeticAndHarmonicMeansExactly) {
  const Rock r(field_of("layered"), problem_of("benchmark"),
               {"effective-permeability-x", "effective-permeability-y", "mean-log-permeability"});
  EnsembleHierarchy h(r.setup, halved_grids({32, 32}), 3, nullptr);
  for (int level : {1, 3}) {
    const Grid grid = h.grids()[level];
    for (const auto& values : {h.sample({.fine = {level}, .coarse = std::nullopt}, 40, 3)}) {
      for (std::uint64_t s = 0; s < 3; ++s) {
        const Field k = draw_field(r.source.options().spec, 3, 40 + s, grid);
        double arithmetic = 0.0, inverse = 0.0, log = 0.0;
        for (int j = 0; j < grid.ny; ++j) {
          arithmetic += k(0, j) / grid.ny;
          inverse += 1 / k(0, j) / grid.ny;
          log += std::log(k(0, j)) / grid.ny;
        }
        EXPECT_NEAR(values[s].fine[0], arithmetic, 1e-9 * arithmetic);
        EXPECT_NEAR(values[s].fine[1], 1 / inverse, 1e-9 / inverse);
        EXPECT_NEAR(values[s].fine[2], log, 1e-12);
      }
    }
  }
}

TEST(Hierarchy, PairsAreTheSameRockOnTwoGrids) {
  const Rock r(field_of("lognormal"), problem_of("drive"),
               {"effective-permeability", "outflow@right", "pressure@0.3,0.4"});
  EnsembleHierarchy h(r.setup, halved_grids({32, 32}), 3, nullptr);
  const auto pairs = h.sample({.fine = {3}, .coarse = LevelModel{2}}, 11, 4);
  const auto fine = h.sample({.fine = {3}, .coarse = std::nullopt}, 11, 4);
  const auto coarse = h.sample({.fine = {2}, .coarse = std::nullopt}, 11, 4);
  for (int s = 0; s < 4; ++s) {
    for (int q = 0; q < 3; ++q) {
      EXPECT_NEAR(pairs[s].fine[q], fine[s].fine[q], 1e-9);
      EXPECT_NEAR(pairs[s].coarse[q], coarse[s].fine[q], 1e-9);
      EXPECT_NE(pairs[s].fine[q], pairs[s].coarse[q]);
    }
    EXPECT_NEAR(pairs[s].fine[0], pairs[s].fine[1], 1e-8);  // one pressure drop, one domain
    // The finest grid's rock is the generator's.
    const Problem problem = make_problem("drive", draw_field(r.source.options().spec, 3, 11 + s, {32, 32}));
    const Field p = Corrector(problem).solve_from(Field(problem.grid()), 1e-11).pressure;
    EXPECT_NEAR(pairs[s].fine[1], outflow(problem, p)[1], 1e-8);
  }
}

TEST(Hierarchy, CorrectionsShrinkByLevel) {
  const Rock r(field_of("lognormal"), problem_of("drive"), {"effective-permeability"});
  EnsembleHierarchy h(r.setup, halved_grids({64, 64}), 4, nullptr);
  double before = INFINITY;
  for (int level : {2, 3, 4}) {
    std::vector<double> y;
    for (const auto& v : h.sample({.fine = {level}, .coarse = LevelModel{level - 1}}, 0, 64))
      y.push_back(v.fine[0] - v.coarse[0]);
    const double variance = moments_of(y).variance;
    EXPECT_LT(variance, 0.4 * before) << level;  // a quarter for exponential covariance in the limit
    before = variance;
  }
}

TEST(Hierarchy, OneFlowServesAllQuantitiesOfIt) {
  const Rock shared(field_of("lognormal"), problem_of("drive"),
                    {"effective-permeability", "pressure@0.3,0.4"});
  EXPECT_EQ(flows_of(shared.setup).size(), 1u);
  const Rock apart(field_of("lognormal"), problem_of("benchmark"),
                   {"effective-permeability", "pressure@0.3,0.4"});
  EXPECT_EQ(flows_of(apart.setup).size(), 2u);
  const Rock none(field_of("lognormal"), problem_of("drive"), {"mean-log-permeability"});
  EXPECT_TRUE(flows_of(none.setup).empty());
}

}  // namespace
}  // namespace mano
