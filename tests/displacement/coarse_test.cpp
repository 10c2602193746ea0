#include "displacement/coarse.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "displacement/rocks.hpp"
#include "displacement/step_doubling.hpp"

namespace mano {
namespace {

double in_place(const Displacement& d, const Field& s) {
  double sum = 0.0;
  for (std::size_t c = 0; c < s.values.size(); ++c) {
    if (d.problem.active[c]) sum += d.pore.values[c] * s.values[c];
  }
  return sum * s.grid.hx() * s.grid.hy();
}

Displacement masked() {
  const Grid g{24, 16, 3.0, 2.0};
  CellMask mask{g, std::vector<std::uint8_t>(g.cells(), 1)};
  for (int j = 5; j < 11; ++j) {
    for (int i = 9; i < 14; ++i) mask.values[g.index(i, j)] = 0;
  }
  Displacement d{make_problem("five-spot", patchy(g, 1), mask), Field(g, 0.0), Fluids{}};
  for (std::size_t c = 0; c < g.cells(); ++c) d.pore.values[c] = 0.1 + 0.01 * static_cast<double>(c % 17);
  d.fluids.displaced_residual = 0.1;
  return d;
}

TEST(Coarse, KeepsPoreVolumeWellsAndRates) {
  const Displacement fine = masked();
  for (int factor : {1, 2, 4}) {
    const Displacement coarse = coarsened(fine, factor);
    EXPECT_NEAR(in_place(coarse, Field(coarse.problem.grid(), 1.0)),
                in_place(fine, Field(fine.problem.grid(), 1.0)), 1e-12);
    EXPECT_EQ(coarse.problem.wells[1].i, 24 / factor - 1);
    EXPECT_EQ(coarse.problem.wells[1].value, fine.problem.wells[1].value);
    EXPECT_NO_THROW(check_problem(coarse.problem));
  }
  const Displacement same = coarsened(fine, 1);
  for (std::size_t c = 0; c < fine.pore.values.size(); ++c) {
    if (!fine.problem.active[c]) continue;
    EXPECT_NEAR(same.problem.permeability.values[c], fine.problem.permeability.values[c], 1e-14);
  }
  EXPECT_THROW(coarsened(fine, 5), InvalidInput);
  EXPECT_THROW(coarsened(fine, 0), InvalidInput);
}

TEST(Coarse, PermeabilityIsTheGeometricMean) {
  const Grid g{4, 2};
  Field k(g);
  k.values = {1, 4, 2, 2, 16, 4, 8, 32};
  const Displacement coarse = coarsened(five_spot(k), 2);
  EXPECT_NEAR(coarse.problem.permeability(0, 0), 4.0, 1e-12);
  EXPECT_NEAR(coarse.problem.permeability(1, 0), std::pow(2 * 2 * 8 * 32, 0.25), 1e-12);
}

TEST(Coarse, RefinedSaturationHoldsAsMuchAndStaysWithinBounds) {
  const Displacement fine = masked();
  for (int factor : {2, 4}) {
    const Displacement coarse = coarsened(fine, factor);
    Field s(coarse.problem.grid());
    for (std::size_t c = 0; c < s.values.size(); ++c)
      s.values[c] =
          coarse.problem.active[c] ? std::min(0.9, std::abs(std::sin(0.7 * static_cast<double>(c)))) : 0.0;
    const Field refined = refine_saturation(fine, coarse, s);
    EXPECT_NEAR(in_place(fine, refined), in_place(coarse, s), 1e-12);
    for (double value : refined.values) {
      EXPECT_GE(value, 0.0);
      EXPECT_LE(value, 0.9 + 1e-15);
    }
  }
  // A slope that fits is kept.
  const Displacement plain = five_spot(Field(Grid{16, 16}, 1.0));
  const Displacement coarse = coarsened(plain, 4);
  Field s(coarse.problem.grid());
  for (int j = 0; j < 4; ++j) {
    for (int i = 0; i < 4; ++i) s(i, j) = 0.1 + 0.2 * i;
  }
  const Field refined = refine_saturation(plain, coarse, s);
  for (int i = 4; i < 12; ++i) EXPECT_NEAR(refined(i, 7), 0.1 + 0.2 * ((i + 0.5) / 4 - 0.5), 1e-12);
}

TEST(Coarse, SimulationConservesAndComesNearerOnFinerGrids) {
  const Displacement d = five_spot(patchy(Grid{32, 32}, 3));
  const SimulationOptions options = until(0.4, 2);
  const SimulationResult exact = simulate(d, options);
  double before = 0.0;
  for (int factor : {1, 2, 4, 8}) {
    const SimulationResult r = simulate_coarse(d, options, factor);
    for (const Snapshot& s : r.snapshots)
      EXPECT_NEAR(in_place(d, s.saturation), s.at.produced, 1e-9) << factor;
    const double error = saturation_difference(d, r.snapshots[1].saturation, exact.snapshots[1].saturation);
    if (factor == 1) {
      EXPECT_LT(error, 1e-9);
    } else {
      EXPECT_GT(error, before) << factor;
      EXPECT_LT(error, 0.05 * factor + 0.05) << factor;
    }
    before = error;
    const Field& p = r.snapshots[1].pressure;
    EXPECT_GT(p(1, 1), p(16, 16));
    EXPECT_GT(p(16, 16), p(30, 30));
  }
}

}  // namespace
}  // namespace mano
