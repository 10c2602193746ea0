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

}  // namespace

double Bore::mean(const double* v) const {
  double sum = 0.0;
  for (std::size_t n = 0; n < cells.size(); ++n) sum += index[n] * v[cells[n]];
  return sum / total;
}

Stencil::Stencil(const Problem& problem) : grid(problem.grid()), active(problem.active) {
  const Grid& g = grid;
  const std::size_t nx = g.nx;
  const std::size_t ny = g.ny;
  const double* kx = problem.permeability.values.data();
  const double* ky = problem.along_y().values.data();
  const double across_x = g.hy() / g.hx() * g.hz();
  const double across_y = g.hx() / g.hy() * g.hz();
  tx.assign((nx + 1) * ny * g.nz, 0.0);
  ty.assign((ny + 1) * nx * g.nz, 0.0);
  rhs.resize(g.cells());
  for (std::size_t row = 0; row < ny * g.nz; ++row) {
    const double* k = kx + row * nx;
    double* t = tx.data() + row * (nx + 1);
    for (std::size_t i = 1; i < nx; ++i) t[i] = harmonic_mean(k[i - 1], k[i]) * across_x;
  }
  for (std::size_t layer = 0; layer < static_cast<std::size_t>(g.nz); ++layer) {
    const double* k = ky + layer * g.layer();
    double* t = ty.data() + layer * (ny + 1) * nx;
    for (std::size_t c = nx; c < g.layer(); ++c) t[c] = harmonic_mean(k[c - nx], k[c]) * across_y;
  }
  if (!g.flat()) {
    const double* kz = problem.along_z().values.data();
    const double across_z = g.hx() / g.hz() * g.hy();
    tz.assign(g.cells() + g.layer(), 0.0);
    for (std::size_t c = g.layer(); c < g.cells(); ++c)
      tz[c] = harmonic_mean(kz[c - g.layer()], kz[c]) * across_z;
  }
  for (std::size_t c = 0; c < g.cells(); ++c) rhs[c] = problem.source.values[c] * g.hx() * g.hy() * g.hz();
  if (!problem.active.all()) close();
  for (Side side : sides_of(g)) add_side(problem, side);
  for (const Well& w : problem.wells) add_well(problem, w);
}

void Stencil::add_side(const Problem& problem, Side side) {
  const BoundaryCondition& condition = problem.on(side);
  const std::vector<double>& k = problem.across(side).values;
  std::vector<double>& t = of_axis(axis_of(side), tx, ty, tz);
  for_each_face(grid, side, [&](const BoundaryFace& face) {
    const double value = condition.values.at(face.position);
    if (!active[face.cell]) return;
    if (condition.type == BoundaryCondition::Type::pressure) {
      t[face.index] = k[face.cell] * face.area / (face.distance / 2);
      rhs[face.cell] += t[face.index] * value;
    } else {
      rhs[face.cell] -= value * face.area;
    }
  });
}

void Stencil::add_well(const Problem& problem, const Well& w) {
  const std::vector<Completion> open = completions(problem, w);
  if (w.control == Well::Control::pressure) {
    if (well.empty()) well.assign(grid.cells(), 0.0);
    for (const Completion& c : open) {
      well[c.cell] += c.index;
      rhs[c.cell] += c.index * w.value;
    }
    return;
  }
  if (w.radius == 0.0 || open.size() == 1) {
    for (const Completion& c : open) rhs[c.cell] += w.value * c.share;
    return;
  }
  Bore bore;
  for (const Completion& c : open) {
    bore.cells.push_back(c.cell);
    bore.index.push_back(c.index);
    bore.total += c.index;
  }
  for (const Completion& c : open) rhs[c.cell] += w.value * (c.index / bore.total);
  bores.push_back(std::move(bore));
}

void Stencil::close() {
  const std::size_t nx = grid.nx;
  for (std::size_t c = 0; c < grid.cells(); ++c) {
    if (active[c]) continue;
    const std::size_t left_face = c + c / nx;
    const std::size_t front_face = c + c / grid.layer() * nx;
    tx[left_face] = tx[left_face + 1] = ty[front_face] = ty[front_face + nx] = 0.0;
    if (!tz.empty()) tz[c] = tz[c + grid.layer()] = 0.0;
    rhs[c] = 0.0;
  }
}

double Stencil::held() const {
  double sum = 0.0;
  for (int k = 0; k < grid.nz; ++k) {
    for (int j = 0; j < grid.ny; ++j) sum += left(0, j, k) + right(grid.nx - 1, j, k);
    for (int i = 0; i < grid.nx; ++i) sum += front(i, 0, k) + back(i, grid.ny - 1, k);
  }
  for (std::size_t c = 0; c < grid.layer() && !tz.empty(); ++c) sum += tz[c] + tz[grid.cells() + c];
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
  for (std::size_t n = 0; n < static_cast<std::size_t>(g.ny) * g.nz; ++n) {
    const int j = static_cast<int>(n % g.ny);
    const double* centre = p.values.data() + n * nx;
    const double* tx = s.tx.data() + n * (nx + 1);
    const double* front = s.ty.data() + (n + n / g.ny) * nx;
    const double* back = front + nx;
    double* row = r.values.data() + n * nx;
    // Differences, not diagonal times centre: constants cancel before rounding does harm.
    const double* rhs = s.rhs.data() + n * nx;
    // Outside lies the pressure 0 of a boundary whose value is in the right-hand side.
    const double* lower = j > 0 ? centre - nx : zeros.data();
    const double* upper = j + 1 < g.ny ? centre + nx : zeros.data();
    const auto balance = [&](std::size_t i, double west, double east) {
      const double p = centre[i];
      return rhs[i] - (tx[i] * (p - west) + tx[i + 1] * (p - east) + front[i] * (p - lower[i]) +
                       back[i] * (p - upper[i]));
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
  for (std::size_t c = 0; c + g.layer() < s.tz.size(); ++c) {
    const double up = c >= g.layer() ? p.values[c - g.layer()] : 0.0;
    const double down = c + g.layer() < g.cells() ? p.values[c + g.layer()] : 0.0;
    r.values[c] -= s.tz[c] * (p.values[c] - up) + s.tz[c + g.layer()] * (p.values[c] - down);
  }
  for (const Bore& bore : s.bores) {
    const double mean = bore.mean(p.values.data());
    for (std::size_t n = 0; n < bore.cells.size(); ++n)
      r.values[bore.cells[n]] -= bore.index[n] * (p.values[bore.cells[n]] - mean);
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
  for (int k = 0; k < g.nz; ++k) {
    for (int j = 0; j < g.ny; ++j) {
      for (int i = 0; i < g.nx; ++i) {
        const std::size_t c = g.index(i, j, k);
        scale[c] = 2 * stencil.diagonal(i, j, k) * std::abs(pressure.values[c]) + std::abs(stencil.rhs[c]);
      }
    }
  }
  for (const Bore& bore : stencil.bores) {
    for (std::size_t n = 0; n < bore.cells.size(); ++n)
      scale[bore.cells[n]] += 2 * bore.index[n] * std::abs(pressure.values[bore.cells[n]]);
  }
  const double b = norm(stencil.rhs);
  constexpr double kMost = 1e-2;  // beyond, a residual would say nothing
  return b == 0.0 ? 0.0 : std::min(kMost, 64 * std::numeric_limits<double>::epsilon() * norm(scale) / b);
}

}  // namespace mano
