#include "solver/stencil.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "solver/boundary_faces.hpp"

namespace mano {

namespace {

double harmonic_mean(double a, double b) {
  return 2.0 * a * (b / (a + b));  // no product of the two: it might overflow
}

double& boundary_transmissibility(Stencil& s, Side side, int position) {
  const Grid& g = s.grid;
  switch (side) {
    case Side::left:
      return s.tx[static_cast<std::size_t>(position) * (g.nx + 1)];
    case Side::right:
      return s.tx[static_cast<std::size_t>(position) * (g.nx + 1) + g.nx];
    case Side::bottom:
      return s.ty[position];
    default:
      return s.ty[static_cast<std::size_t>(g.ny) * g.nx + position];
  }
}

}  // namespace

Stencil::Stencil(const Problem& problem) : grid(problem.grid()), active(problem.active) {
  const Grid& g = grid;
  const std::vector<double>& kx = problem.permeability.values;
  const std::vector<double>& ky = problem.along_y().values;
  const double across_x = g.hy() / g.hx();
  const double across_y = g.hx() / g.hy();
  tx.assign(static_cast<std::size_t>(g.nx + 1) * g.ny, 0.0);
  ty.assign(static_cast<std::size_t>(g.ny + 1) * g.nx, 0.0);
  rhs.resize(g.cells());
  for (int j = 0; j < g.ny; ++j) {
    const double* k = kx.data() + g.index(0, j);
    double* t = tx.data() + static_cast<std::size_t>(j) * (g.nx + 1);
    for (int i = 1; i < g.nx; ++i) t[i] = harmonic_mean(k[i - 1], k[i]) * across_x;
  }
  for (std::size_t c = g.nx; c < g.cells(); ++c) ty[c] = harmonic_mean(ky[c - g.nx], ky[c]) * across_y;
  for (std::size_t c = 0; c < g.cells(); ++c) rhs[c] = problem.source.values[c] * g.hx() * g.hy();
  if (!problem.active.all()) close();
  for (Side side : kSides) {
    const BoundaryCondition& condition = problem.on(side);
    const std::vector<double>& k = side == Side::left || side == Side::right ? kx : ky;
    for_each_face(g, side, [&](const BoundaryFace& face) {
      const double value = condition.values.at(face.position);
      const std::size_t cell = g.index(face.i, face.j);
      if (!active[cell]) return;
      if (condition.type == BoundaryCondition::Type::pressure) {
        const double t = k[cell] * face.length / (face.distance / 2);
        boundary_transmissibility(*this, side, face.position) = t;
        rhs[cell] += t * value;
      } else {
        rhs[cell] -= value * face.length;
      }
    });
  }
  for (const Well& w : problem.wells) {
    const std::size_t cell = g.index(w.i, w.j);
    if (w.control == Well::Control::rate) {
      rhs[cell] += w.value;
      continue;
    }
    if (well.empty()) well.assign(g.cells(), 0.0);
    const double index = well_index(problem, w);
    well[cell] += index;
    rhs[cell] += index * w.value;
  }
}

void Stencil::close() {
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) {
      if (active(i, j)) continue;
      const std::size_t cell = grid.index(i, j);
      const std::size_t left_face = static_cast<std::size_t>(j) * (grid.nx + 1) + i;
      tx[left_face] = tx[left_face + 1] = ty[cell] = ty[cell + grid.nx] = 0.0;
      rhs[cell] = 0.0;
    }
  }
}

double Stencil::held() const {
  double sum = 0.0;
  for (int j = 0; j < grid.ny; ++j) sum += left(0, j) + right(grid.nx - 1, j);
  for (int i = 0; i < grid.nx; ++i) sum += below(i, 0) + above(i, grid.ny - 1);
  for (double index : well) sum += index;
  return sum;
}

double norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (double x : v) sum += x * x;
  return std::sqrt(sum);
}

Field residual(const Stencil& s, const Field& p) {
  const Grid& g = s.grid;
  check(p.values.size() == g.cells(), "residual: pressure has {} values, the grid {} cells", p.values.size(),
        g.cells());
  Field r(g);
  const std::size_t nx = g.nx;
  const std::vector<double> zeros(nx, 0.0);
  for (int j = 0; j < g.ny; ++j) {
    const double* centre = p.values.data() + j * nx;
    const double* tx = s.tx.data() + j * (nx + 1);
    const double* below = s.ty.data() + j * nx;
    const double* above = below + nx;
    double* row = r.values.data() + j * nx;
    // Differences, not diagonal times centre: constants cancel before rounding does harm.
    const double* rhs = s.rhs.data() + j * nx;
    // Outside lies the pressure 0 of a boundary whose value is in the right-hand side.
    const double* lower = j > 0 ? centre - nx : zeros.data();
    const double* upper = j + 1 < g.ny ? centre + nx : zeros.data();
    const auto balance = [&](std::size_t i, double west, double east) {
      const double p = centre[i];
      return rhs[i] - (tx[i] * (p - west) + tx[i + 1] * (p - east) + below[i] * (p - lower[i]) +
                       above[i] * (p - upper[i]));
    };
    if (nx == 1) {
      row[0] = balance(0, 0.0, 0.0);
      continue;
    }
    row[0] = balance(0, 0.0, centre[1]);
#pragma omp simd
    for (std::size_t i = 1; i < nx - 1; ++i) row[i] = balance(i, centre[i - 1], centre[i + 1]);
    row[nx - 1] = balance(nx - 1, centre[nx - 2], 0.0);
  }
  for (std::size_t c = 0; c < s.well.size(); ++c) r.values[c] -= s.well[c] * p.values[c];
  return r;
}

double relative_residual(const Stencil& stencil, const Field& pressure) {
  const double r = norm(residual(stencil, pressure).values);
  const double b = norm(stencil.rhs);
  return r == 0.0 ? 0.0 : r / b;
}

double attainable_relative_residual(const Stencil& stencil, const Field& pressure) {
  const Grid& g = stencil.grid;
  std::vector<double> scale(g.cells());
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const std::size_t c = g.index(i, j);
      scale[c] = 2 * stencil.diagonal(i, j) * std::abs(pressure.values[c]) + std::abs(stencil.rhs[c]);
    }
  }
  const double b = norm(stencil.rhs);
  constexpr double kMost = 1e-2;  // beyond, a residual would say nothing
  return b == 0.0 ? 0.0 : std::min(kMost, 64 * std::numeric_limits<double>::epsilon() * norm(scale) / b);
}

}  // namespace mano
