#include "displacement/buckley_leverett.hpp"

#include <gtest/gtest.h>

#include "displacement/rocks.hpp"

namespace mano {
namespace {

Fluids with_residuals() {
  Fluids f;
  f.viscosity_ratio = 2.0;
  f.injected_exponent = 3.0;
  f.injected_end_point = 0.4;
  f.injected_residual = 0.2;
  f.displaced_residual = 0.15;
  return f;
}

// For quadratic curves without residuals the tangent is known: s* = 1 / sqrt(1 + M).
TEST(BuckleyLeverett, FrontOfQuadraticCurvesIsKnown) {
  for (double ratio : {0.1, 1.0, 5.0, 100.0}) {
    Fluids f;
    f.viscosity_ratio = ratio;
    EXPECT_NEAR(BuckleyLeverett(f).front(), 1 / std::sqrt(1 + ratio), 1e-12) << ratio;
  }
}

TEST(BuckleyLeverett, ProfileHoldsWhatWasInjected) {
  for (const Fluids& fluids :
       {Fluids{}, with_residuals(), named_fluids("co2-brine"), named_fluids("tracer")}) {
    const BuckleyLeverett exact(fluids);
    const double mobile = FractionalFlow(fluids).mobile();
    for (double tau : {0.1, 0.3, 1.5}) {
      double in_place = 0.0;
      constexpr int kPoints = 5000;
      for (int i = 0; i < kPoints; ++i)
        in_place += exact.mobile_part((i + 0.5) / kPoints, tau) * mobile / kPoints;
      const double recovered = exact.recovery(tau) * (1 - fluids.injected_residual);  // as much has left
      EXPECT_NEAR(in_place, recovered, 3e-4) << tau;
    }
  }
}

struct LineError {
  double l1;
  double front;  // of its place
};

LineError error_of_line(int n, const Fluids& fluids, double tau, TransportScheme scheme) {
  SimulationOptions options = until(tau, 1, 0.1);
  options.transport = scheme;
  options.longest_step = 0.5 / n;  // the error of space is meant, not that of steps
  const SimulationResult result = simulate(line(n, fluids, 0.3), options);
  const BuckleyLeverett exact(fluids);
  const FractionalFlow f(fluids);
  LineError error{0.0, 1.0};
  for (int i = 0; i < n; ++i) {
    const double s = f.mobile_part(result.snapshots[0].saturation.values[i]);
    double mean = 0.0;  // of the cell
    for (int q = 0; q < 20; ++q) mean += exact.mobile_part((i + (q + 0.5) / 20) / n, tau) / 20;
    error.l1 += std::abs(s - mean) / n;
    if (s > 0.5 * exact.front()) error.front = (i + 1.0) / n;
  }
  error.front -= exact.front_speed() * tau;
  return error;
}

// Between 1/2, N. N. Kuznetsov's bound for monotone schemes, and 1: behind Welge's front speeds are its own, so it sharpens from one side
// alone.
TEST(BuckleyLeverett, LineConvergesInL1) {
  for (const Fluids& fluids : {Fluids{}, with_residuals()}) {
    const double tau = 0.25;
    for (TransportScheme scheme :
         {TransportScheme::theta, TransportScheme::explicit_, TransportScheme::implicit}) {
      const LineError coarse = error_of_line(50, fluids, tau, scheme);
      const LineError fine = error_of_line(200, fluids, tau, scheme);
      const double order = std::log2(coarse.l1 / fine.l1) / 2;
      EXPECT_GT(order, 0.6) << to_string(scheme);
      EXPECT_LT(order, 1.0) << to_string(scheme);
      EXPECT_LT(fine.l1, scheme == TransportScheme::implicit ? 0.016 : 0.01) << to_string(scheme);
      EXPECT_LT(std::abs(fine.front), (scheme == TransportScheme::implicit ? 5.0 : 3.0) / 200)
          << to_string(scheme);
    }
  }
}

TEST(BuckleyLeverett, BreakthroughAndRecoveryOfALine) {
  const Fluids fluids = with_residuals();
  const BuckleyLeverett exact(fluids);
  const SimulationResult result = simulate(line(400, fluids), until(1.2, 6, 0.05));
  EXPECT_NEAR(result.breakthrough, 1 / exact.front_speed(), 0.03 / exact.front_speed());
  for (const Snapshot& s : result.snapshots)
    EXPECT_NEAR(s.at.recovery, exact.recovery(s.at.pore_volumes), 2e-3) << s.at.pore_volumes;
}

}  // namespace
}  // namespace mano
