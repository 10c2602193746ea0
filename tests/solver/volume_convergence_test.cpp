// The scheme is of second order in volumes, too: smooth permeabilities along three axes on oblong cells.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "core/norms.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

using Type = BoundaryCondition::Type;

template <typename Function>
Field sampled_in(const Grid& grid, Function f) {
  Field field(grid);
  for (int k = 0; k < grid.nz; ++k) {
    for (int j = 0; j < grid.ny; ++j) {
      for (int i = 0; i < grid.nx; ++i) field(i, j, k) = f(grid.x(i), grid.y(j), (k + 0.5) * grid.hz());
    }
  }
  return field;
}

// k, p and f = -div(k grad p) on [0, 2] x [0, 1] x [0, 0.3], with kx = k, ky = 3 k, kz = k / 5 and
// k = exp(a), a = 0.5 sin(x + 2 y) + z, p = sin(2 x + 0.3) exp(y / 2) cos(3 z + 0.2) + x y z.
struct SmoothVolume {
  static constexpr double ky = 3.0, kz = 0.2;
  static double k(double x, double y, double z) { return std::exp(0.5 * std::sin(x + 2 * y) + z); }
  static double p(double x, double y, double z) {
    return std::sin(2 * x + 0.3) * std::exp(y / 2) * std::cos(3 * z + 0.2) + x * y * z;
  }
  static std::array<double, 3> gradient(double x, double y, double z) {
    const double s = std::sin(2 * x + 0.3), e = std::exp(y / 2), c = std::cos(3 * z + 0.2);
    return {2 * std::cos(2 * x + 0.3) * e * c + y * z, 0.5 * s * e * c + x * z,
            -3 * s * e * std::sin(3 * z + 0.2) + x * y};
  }
  static double f(double x, double y, double z) {
    const auto [px, py, pz] = gradient(x, y, z);
    const double wave = std::sin(2 * x + 0.3) * std::exp(y / 2) * std::cos(3 * z + 0.2);
    const double ax = 0.5 * std::cos(x + 2 * y), ay = std::cos(x + 2 * y), az = 1.0;
    const double second = -4 * wave + ky * 0.25 * wave - kz * 9 * wave;
    return -k(x, y, z) * (ax * px + ky * ay * py + kz * az * pz + second);
  }

  // Pressure on all sides, or flux right, back and bottom.
  static Problem problem(int nx, int ny, int nz, bool mixed) {
    const Grid g{.nx = nx, .ny = ny, .lx = 2.0, .ly = 1.0, .nz = nz, .lz = 0.3};
    Problem problem{sampled_in(g, k), sampled_in(g, f), {}};
    problem.permeability_y = problem.permeability_z = problem.permeability;
    for (double& v : problem.permeability_y.values) v *= ky;
    for (double& v : problem.permeability_z.values) v *= kz;
    for (Side side : kSides) {
      const bool flux = mixed && (side == Side::right || side == Side::back || side == Side::bottom);
      BoundaryCondition& condition = problem.on(side);
      condition = constant_boundary(g, side, flux ? Type::flux : Type::pressure, 0.0);
      const int axis = static_cast<int>(side) / 2;
      const bool end = static_cast<int>(side) % 2 == 1;
      std::size_t position = 0;
      const int rows = axis == 2 ? ny : nz, columns = axis == 0 ? ny : nx;
      for (int b = 0; b < rows; ++b) {
        for (int a = 0; a < columns; ++a) {
          const double x = axis == 0 ? (end ? g.lx : 0) : g.x(a);
          const double y = axis == 1 ? (end ? g.ly : 0) : g.y(axis == 0 ? a : b);
          const double z = axis == 2 ? (end ? g.lz : 0) : (b + 0.5) * g.hz();
          const double across = std::array{1.0, ky, kz}[axis] * k(x, y, z);
          condition.values[position++] = flux ? -across * gradient(x, y, z)[axis] : p(x, y, z);
        }
      }
    }
    return problem;
  }
};

// Of the flux through all faces, boundaries included, against -k grad p at their centres.
double flux_error(const Problem& problem, const Field& p) {
  const Grid& g = problem.grid();
  const FaceFlux flux = face_flux(problem, p);
  double difference = 0.0, size = 0.0;
  for (int axis = 0; axis < 3; ++axis) {
    const std::vector<double>& u = axis == 0 ? flux.ux : axis == 1 ? flux.uy : flux.uz;
    const double factor = std::array{1.0, SmoothVolume::ky, SmoothVolume::kz}[axis];
    std::size_t face = 0;
    for (int k = 0; k < g.nz + (axis == 2 ? 1 : 0); ++k) {
      for (int j = 0; j < g.ny + (axis == 1 ? 1 : 0); ++j) {
        for (int i = 0; i < g.nx + (axis == 0 ? 1 : 0); ++i, ++face) {
          const double x = axis == 0 ? i * g.hx() : g.x(i);
          const double y = axis == 1 ? j * g.hy() : g.y(j);
          const double z = axis == 2 ? k * g.hz() : (k + 0.5) * g.hz();
          const double exact = -factor * SmoothVolume::k(x, y, z) * SmoothVolume::gradient(x, y, z)[axis];
          difference += (u[face] - exact) * (u[face] - exact);
          size += exact * exact;
        }
      }
    }
  }
  return std::sqrt(difference / size);
}

TEST(Volume, PressureAndFluxAreOfSecondOrder) {
  for (const bool mixed : {false, true}) {
    std::vector<double> pressure;
    std::vector<double> flux;
    for (int n : {12, 24, 48}) {  // cells of 2/n x 2/(3n) x 0.9/(2n): oblong
      const Problem problem = SmoothVolume::problem(n, 3 * n / 2, 2 * n / 3, mixed);
      const SolveResult result = solve_darcy(problem, {.relative_tolerance = 1e-12});
      ASSERT_TRUE(result.converged) << result.reason;
      EXPECT_LT(mass_balance_error(problem, result.pressure), 1e-10);
      const Field& p = result.pressure;
      const Grid& g = problem.grid();
      pressure.push_back(relative_l2(p, sampled_in(g, SmoothVolume::p)));
      flux.push_back(flux_error(problem, p));
    }
    EXPECT_NEAR(std::log2(pressure[1] / pressure[2]), 2.0, tolerance::kOrder) << mixed;
    EXPECT_NEAR(std::log2(pressure[0] / pressure[1]), 2.0, 2 * tolerance::kOrder) << mixed;
    EXPECT_NEAR(std::log2(flux[1] / flux[2]), 2.0, 2 * tolerance::kOrder) << mixed;
    EXPECT_LT(pressure[2], 1e-3);
  }
}

}  // namespace
}  // namespace mano
