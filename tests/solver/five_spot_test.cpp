// The repeated five-spot in metric units against Muskat's formula.
//
//   rate = pi c k h (pressure drop) / (viscosity (ln(d / radius) - B)),   d: from an injector to the nearest producer
//
// M. Muskat, The Flow of Homogeneous Fluids through Porous Media (1937), chapter IX, gives B = 0.6190. Summing the lattice of wells exactly
// gives B = 0.61739: below, by Jacobi's theta function of the square lattice.
//
// The lines midway between injectors and producers are lines of equal pressure: swapping injectors and producers, which a reflection at
// such a line does, only turns the sign. So one well in the middle of a square of side d, whose sides have the pressure midway between
// the wells', is the whole pattern. Its well is whole as well: Peaceman's index holds as it is. Wells in the corners of a quarter of the pattern
// would sit half a cell away from its corners.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/units.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "solver/time_of_flight.hpp"

namespace mano {
namespace {

constexpr double kMuskat = 0.6190;

// ln(d / r) - B is pi times the drop for a rate of 1: theta(z) = sum of (-1)^n q^(n (n + 1)) sin((2 n + 1) z), q = exp(-pi).
double exact_constant() {
  const double pi = std::numbers::pi;
  double at_producer = 0.0;  // |theta| there, z = (1 + i) pi / 2: |sin((2 n + 1) z)| = cosh((2 n + 1) pi / 2)
  double slope = 0.0;        // of theta at the injector
  for (int n = 0; n < 4; ++n) {
    const double weight = std::exp(-pi * n * (n + 1));
    at_producer += weight * std::cosh((2 * n + 1) * pi / 2);
    slope += (n % 2 == 0 ? 1 : -1) * weight * (2 * n + 1);
  }
  return pi / 4 - std::log(std::numbers::sqrt2 * at_producer / (pi * slope));
}

struct Pattern {
  Units units{UnitSystem::metric, 0.5, 10.0};  // cP, m
  double permeability = 100.0;                 // mD
  double spacing = 200.0;                      // m
  double radius = 0.1;                         // m
  double drop = 200.0;                         // bar, from injector to producer

  double analytic(double constant) const {
    return std::numbers::pi * kDarcyMetric * permeability * units.thickness * drop /
           (units.viscosity * (std::log(spacing / radius) - constant));
  }

  Problem problem(int n) const {
    const Grid g{n, n, spacing, spacing};
    Problem problem = make_problem("closed", Field(g, permeability * units.conductance()));
    for (Side side : sides_of(g))
      problem.on(side) = constant_boundary(g, side, BoundaryCondition::Type::pressure, 0.0);
    problem.wells = {{n / 2, n / 2, Well::Control::pressure, drop / 2, radius}};
    return problem;
  }

  double computed(int n) const {
    const Problem five_spot = problem(n);
    const SolveResult result = solve_darcy(five_spot, {.relative_tolerance = 1e-12});
    EXPECT_TRUE(result.converged);
    return well_states(five_spot, result.pressure).front().rate;
  }

  // Pore volumes that have come in when the first fluid is at the middle of a side.
  double breakthrough(int n) const {
    const Problem five_spot = problem(n);
    const SolveResult result = solve_darcy(five_spot, {.relative_tolerance = 1e-12});
    const Field pore(five_spot.grid(), 0.2 * units.storage());
    const double rate = well_states(five_spot, result.pressure).front().rate;
    return time_of_flight(five_spot, result.pressure, pore)(n - 1, n / 2) * rate /
           pore_volume(five_spot, pore);
  }
};

TEST(FiveSpot, AgreesWithMuskat) {
  EXPECT_NEAR(exact_constant(), 0.61739, 1e-5);
  const Pattern pattern;
  EXPECT_NEAR(pattern.analytic(kMuskat), 1534.734, 0.001);  // m3/day
  for (int n : {11, 21, 51, 101}) {
    EXPECT_NEAR(pattern.computed(n) / pattern.analytic(kMuskat), 1.0, n > 40 ? 1e-3 : 1e-2) << n;
    EXPECT_NEAR(pattern.computed(n) / pattern.analytic(exact_constant()), 1.0, n > 40 ? 6e-4 : 1e-2) << n;
  }
}

// Fluid reaches the middle of a side after half of the time to the nearest producer: when 0.7178 of the square's pore volume has been
// injected. H. J. Morel-Seytoux, SPE J. 6 (1966), 217-227. First order.
TEST(FiveSpot, BreaksThroughAfterTheExactPoreVolumes) {
  const Pattern pattern;
  double before = 0.7178 - pattern.breakthrough(51);
  for (int n : {101, 201}) {
    const double error = 0.7178 - pattern.breakthrough(n);
    EXPECT_NEAR(before / error, 2.0, 0.1) << n << ": " << error;
    before = error;
  }
  EXPECT_LT(before, 0.01);
}

}  // namespace
}  // namespace mano
