#include "displacement/first_guess.hpp"

#include <gtest/gtest.h>

#include "displacement/buckley_leverett.hpp"
#include "displacement/residence_times.hpp"
#include "displacement/rocks.hpp"

namespace mano {
namespace {

double error_of(const FirstGuess& guess, const Displacement& d, const std::vector<double>& times) {
  const SimulationResult truth =
      simulate(d, {.snapshots = times, .step_tolerance = 0.05, .longest_step = 0.01});
  const auto arrival = guess.arrival(d, times.back());
  double error = 0.0, norm = 0.0;
  for (const Snapshot& s : truth.snapshots) {
    const Field guessed = guess.saturation(arrival, s.at.pore_volumes);
    for (std::size_t c = 0; c < guessed.values.size(); ++c) {
      error += std::pow(guessed.values[c] - s.saturation.values[c], 2);
      norm += std::pow(s.saturation.values[c], 2);
    }
  }
  return std::sqrt(error / norm);
}

// m equal tanks in a row: the mean of their times is m, the variance m.
TEST(ResidenceTimes, OfARowOfTanksAreThoseOfTheGammaDistribution) {
  const Connections row(4, {{0, 1}, {1, 2}, {2, 3}});
  Flows flows{{2.0, 2.0, 2.0}, {2.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 2.0}};
  const ResidenceTimes times = residence_times(UpstreamOrder(row, flows), {6.0, 6.0, 6.0, 6.0});
  for (int m = 1; m <= 4; ++m) {
    EXPECT_NEAR(times.mean[m - 1], 3.0 * m, 1e-12);
    EXPECT_NEAR(times.tanks[m - 1], m, 1e-12);
  }
}

// A quarter of the flow takes a way of time 3, the rest one of time 1; both meet in a tank of time 2.
//   E = 1/4 (3 + 2) + 3/4 (1 + 2) = 3.5;   E^2 of each way: (sum of means)^2 + sum of squares of means
TEST(ResidenceTimes, MixTheWaysThatMeet) {
  const Connections diamond(3, {{0, 2}, {1, 2}});
  Flows flows{{1.0, 3.0}, {1.0, 3.0, 0.0}, {0.0, 0.0, 4.0}};
  const ResidenceTimes times = residence_times(UpstreamOrder(diamond, flows), {3.0, 3.0, 8.0});
  const double mean = 3.5, square = 0.25 * (25.0 + 9.0 + 4.0) + 0.75 * (9.0 + 1.0 + 4.0);
  EXPECT_NEAR(times.mean[2], mean, 1e-12);
  EXPECT_NEAR(times.tanks[2], mean * mean / (square - mean * mean), 1e-12);
}

TEST(TanksInSeries, OneTankObeysItsEquation) {
  const FractionalFlow f(Fluids{});
  const TanksInSeries tanks(f);
  double s = 0.0, time = 0.0;
  for (const double theta : {0.3, 1.0, 2.5}) {
    for (; time < theta; time += 1e-4) s += 1e-4 * (1.0 - f.flow(s));
    EXPECT_NEAR(tanks.at(1.0, theta), s, 0.06) << theta;  // the table's steps are longer
  }
}

TEST(TanksInSeries, RisesInTimeAndTendsToBuckleyAndLeverett) {
  const Fluids fluids{};
  const TanksInSeries tanks{FractionalFlow(fluids)};
  const BuckleyLeverett exact(fluids);
  double before[2] = {1.0, 1.0};
  for (const double m : {8.0, 32.0, 128.0}) {
    double last = 0.0, error = 0.0;
    for (double theta = 0.02; theta < 3.0; theta += 0.02) {
      const double s = tanks.at(m, theta);
      EXPECT_GE(s, last);
      EXPECT_LE(s, 1.0);
      error += 0.02 / 3.0 * std::abs(s - exact.mobile_part(1.0, theta));
      last = s;
    }
    EXPECT_LT(error, 0.65 * before[0]) << m << " tanks";
    before[0] = error;
  }
  EXPECT_LT(before[0], 0.01);
}

// A tracer in a row of cells is what the tanks are, but for the table's explicit steps, which make fronts a little sharper.
TEST(FirstGuess, OfATracerInOneDimensionIsTheUpwindSchemes) {
  const Fluids tracer = named_fluids("tracer");
  EXPECT_LT(error_of(FirstGuess(tracer), line(24, tracer), {0.2, 0.5, 0.8}), 0.08);
}

TEST(FirstGuess, OfTwoFluidsIsOffByLessThanATenth) {
  for (const unsigned seed : {1u, 2u}) {
    const Displacement d = five_spot(patchy({32, 32}, seed));
    EXPECT_LT(error_of(FirstGuess(d.fluids), d, equal_times(0.6, 6)), 0.1) << seed;
  }
}

TEST(FirstGuess, CutAndRecoveryAreThoseOfTheSimulatorWhereTheSaturationIs) {
  const Displacement d = five_spot(patchy({24, 24}, 3));
  const FirstGuess guess(d.fluids);
  const auto arrival = guess.arrival(d, 0.8);
  for (const Snapshot& s : simulate(d, until(0.8, 4)).snapshots) {
    EXPECT_NEAR(guess.cut(arrival, s.saturation), s.at.cut, 1e-9);
    EXPECT_NEAR(guess.recovery(arrival, s.saturation), s.at.recovery, 1e-9);
  }
}

// A pressure that is added to all changes no flow, whatever stands in the tolerance of a solve.
TEST(FirstGuess, AndTheSimulationDoNotDependOnTheLevelOfThePressure) {
  const auto driven = [](double level) {
    Displacement d{make_problem("closed", patchy({16, 16}, 2)), Field({16, 16}, 1.0), Fluids{}};
    d.problem.wells = {
        {.i = 3, .j = 3, .value = 1.0},
        {.i = 12, .j = 13, .control = Well::Control::pressure, .value = level, .radius = 0.01}};
    d.problem.on(Side::right) =
        constant_boundary(d.problem.grid(), Side::right, BoundaryCondition::Type::pressure, level + 0.1);
    return d;
  };
  const FirstGuess guess{Fluids{}};
  const auto low = guess.arrival(driven(0.0), 0.6), high = guess.arrival(driven(1000.0), 0.6);
  const auto a = simulate(driven(0.0), until(0.6, 2)), b = simulate(driven(1000.0), until(0.6, 2));
  const Field early = guess.saturation(low, 0.3), same = guess.saturation(high, 0.3);
  for (std::size_t c = 0; c < early.values.size(); ++c) {
    EXPECT_NEAR(same.values[c], early.values[c], 1e-6) << c;
    EXPECT_NEAR(high.pressure.values[c], low.pressure.values[c] + 1000.0, 1e-6) << c;
    EXPECT_NEAR(b.snapshots[1].saturation.values[c], a.snapshots[1].saturation.values[c], 1e-6) << c;
    EXPECT_NEAR(b.snapshots[1].pressure.values[c], a.snapshots[1].pressure.values[c] + 1000.0, 1e-6) << c;
  }
}

TEST(FirstGuess, LeavesInactiveCellsAndResidualsAlone) {
  Fluids fluids{};
  fluids.injected_residual = 0.2;
  fluids.displaced_residual = 0.1;
  const Grid grid{8, 8};
  Displacement d = five_spot(patchy(grid, 1), fluids);
  d.problem.active = {grid, std::vector<std::uint8_t>(grid.cells(), 1)};
  d.problem.active.values[grid.index(4, 4)] = 0;
  const FirstGuess guess(fluids);
  const Field s = guess.saturation(guess.arrival(d, 0.5), 0.5);
  EXPECT_EQ(s(4, 4), 0.0);
  for (std::size_t c = 0; c < s.values.size(); ++c) {
    if (!d.problem.active[c]) continue;
    EXPECT_GE(s.values[c], 0.2);
    EXPECT_LE(s.values[c], 0.9);
  }
}

}  // namespace
}  // namespace mano
