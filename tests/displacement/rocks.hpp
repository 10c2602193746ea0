#pragma once
// Displacements for the tests.

#include <cmath>
#include <random>

#include "displacement/simulator.hpp"

namespace mano {

/// Two kinds of rock in patches, by a seed.
inline Field patchy(const Grid& g, unsigned seed, double contrast = 4.0) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 6.283);
  const double a = uniform(random), b = uniform(random), c = uniform(random), d = uniform(random);
  Field k(g);
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const double x = g.x(i) / g.lx, y = g.y(j) / g.ly;
      k(i, j) = std::sin(9 * x + 4 * y + a) + std::cos(7 * y - 3 * x + b) +
                            0.5 * std::sin(17 * x + c) * std::cos(15 * y + d) >
                        0
                    ? contrast
                    : 1.0;
    }
  }
  return k;
}

inline Displacement five_spot(const Field& k, const Fluids& fluids = {}) {
  return {make_problem("five-spot", k), Field(k.grid, 1.0), fluids};
}

/// In through the left end at rate 1, out at the right.
inline Displacement line(int n, const Fluids& fluids, double porosity = 1.0) {
  const Grid g{n, 1, 1.0, 1.0};
  Displacement d{make_problem("closed", Field(g, 1.0)), Field(g, porosity), fluids};
  d.problem.on(Side::left) = constant_boundary(g, Side::left, BoundaryCondition::Type::flux, -1.0);
  d.problem.on(Side::right) = constant_boundary(g, Side::right, BoundaryCondition::Type::pressure, 0.0);
  return d;
}

inline SimulationOptions until(double last, int snapshots = 1, double step_tolerance = 0.3) {
  SimulationOptions o;
  o.snapshots = equal_times(last, snapshots);
  o.step_tolerance = step_tolerance;
  return o;
}

}  // namespace mano
