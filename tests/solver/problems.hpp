#pragma once
// Problems with known properties, for the solver's tests.

#include <cmath>
#include <functional>
#include <numbers>

#include "solver/problem.hpp"

namespace mano {

using Function = std::function<double(double x, double y)>;

inline Field sampled(const Grid& grid, const Function& f) {
  Field field(grid);
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) field(i, j) = f(grid.x(i), grid.y(j));
  }
  return field;
}

// Smooth k, p and f = -div(k grad p) on [0, 2] x [0, 1], with p and k dp/dn on the boundary taken from p.
struct Manufactured {
  static double k(double x, double y) { return 1.5 + std::sin(2 * x + y) * std::cos(y); }
  static double kx(double x, double y) { return 2 * std::cos(2 * x + y) * std::cos(y); }
  static double ky(double x, double y) {
    return std::cos(2 * x + y) * std::cos(y) - std::sin(2 * x + y) * std::sin(y);
  }
  static double p(double x, double y) { return std::sin(3 * x + 0.5) * std::exp(y) + x * y; }
  static double px(double x, double y) { return 3 * std::cos(3 * x + 0.5) * std::exp(y) + y; }
  static double py(double x, double y) { return std::sin(3 * x + 0.5) * std::exp(y) + x; }
  static double laplace_p(double x, double y) { return -8 * std::sin(3 * x + 0.5) * std::exp(y); }
  static double f(double x, double y) {
    return -(kx(x, y) * px(x, y) + ky(x, y) * py(x, y) + k(x, y) * laplace_p(x, y));
  }

  // Pressure on all sides, or pressure left and bottom and flux right and top.
  static Problem problem(int nx, int ny, bool mixed) {
    const Grid g{nx, ny, 2.0, 1.0};
    Problem problem{sampled(g, k), sampled(g, f), {}};
    using Type = BoundaryCondition::Type;
    for (Side side : sides_of(g)) problem.on(side) = constant_boundary(g, side, Type::pressure, 0.0);
    for (int j = 0; j < ny; ++j) {
      problem.on(Side::left).values[j] = p(0, g.y(j));
      problem.on(Side::right).values[j] = mixed ? -k(2, g.y(j)) * px(2, g.y(j)) : p(2, g.y(j));
    }
    for (int i = 0; i < nx; ++i) {
      problem.on(Side::front).values[i] = p(g.x(i), 0);
      problem.on(Side::back).values[i] = mixed ? -k(g.x(i), 1) * py(g.x(i), 1) : p(g.x(i), 1);
    }
    if (mixed) problem.on(Side::right).type = problem.on(Side::back).type = Type::flux;
    return problem;
  }
};

// Permeability between 1e-3 and 1e3 with jumps from cell to cell.
inline Field rough_permeability(const Grid& grid) {
  Field k(grid);
  for (std::size_t c = 0; c < k.values.size(); ++c) {
    k.values[c] = std::pow(10.0, 3 * std::sin(12.9898 * static_cast<double>(c * c % 1013)));
  }
  return k;
}

inline Field two_phase(const Grid& grid) {
  return sampled(
      grid, [](double x, double y) { return std::sin(9 * x + 4 * y) * std::cos(7 * y) > 0 ? 12.0 : 3.0; });
}

}  // namespace mano
