#include "solver/stencil.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace mano {

namespace {

double harmonic_mean(double a, double b) {
  return 2.0 / (1.0 / a + 1.0 / b);
}

struct BoundaryFace {
  int i, j;         // the cell inside
  int position;     // along the side
  double length;    // of the face
  double distance;  // between cell centres across this kind of face
};

template <typename Visit>
void for_each_face(const Grid& g, Side side, Visit visit) {
  if (side == Side::left || side == Side::right) {
    for (int j = 0; j < g.ny; ++j)
      visit(BoundaryFace{side == Side::left ? 0 : g.nx - 1, j, j, g.hy(), g.hx()});
  } else {
    for (int i = 0; i < g.nx; ++i)
      visit(BoundaryFace{i, side == Side::bottom ? 0 : g.ny - 1, i, g.hx(), g.hy()});
  }
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

double norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (double x : v) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace

Stencil::Stencil(const Problem& problem) : grid(problem.grid()) {
  const Grid& g = grid;
  const Field& k = problem.permeability;
  tx.assign(static_cast<std::size_t>(g.nx + 1) * g.ny, 0.0);
  ty.assign(static_cast<std::size_t>(g.ny + 1) * g.nx, 0.0);
  rhs.resize(g.cells());
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      if (i > 0) {
        tx[static_cast<std::size_t>(j) * (g.nx + 1) + i] =
            harmonic_mean(k(i - 1, j), k(i, j)) * g.hy() / g.hx();
      }
      if (j > 0) ty[g.index(i, j)] = harmonic_mean(k(i, j - 1), k(i, j)) * g.hx() / g.hy();
      rhs[g.index(i, j)] = problem.source(i, j) * g.hx() * g.hy();
    }
  }
  for (Side side : kSides) {
    const BoundaryCondition& condition = problem.on(side);
    for_each_face(g, side, [&](const BoundaryFace& face) {
      const double value = condition.values.at(face.position);
      double& balance = rhs[g.index(face.i, face.j)];
      if (condition.type == BoundaryCondition::Type::pressure) {
        const double t = k(face.i, face.j) * face.length / (face.distance / 2);
        boundary_transmissibility(*this, side, face.position) = t;
        balance += t * value;
      } else {
        balance -= value * face.length;
      }
    });
  }
}

Field residual(const Stencil& s, const Field& p) {
  const Grid& g = s.grid;
  check(p.values.size() == g.cells(), "residual: pressure has {} values, the grid {} cells", p.values.size(),
        g.cells());
  Field r(g);
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const double centre = p(i, j);
      // Differences, not diagonal times centre: constants cancel before rounding does harm.
      double out = s.left(i, j) * (i > 0 ? centre - p(i - 1, j) : centre);
      out += s.right(i, j) * (i + 1 < g.nx ? centre - p(i + 1, j) : centre);
      out += s.below(i, j) * (j > 0 ? centre - p(i, j - 1) : centre);
      out += s.above(i, j) * (j + 1 < g.ny ? centre - p(i, j + 1) : centre);
      r(i, j) = s.rhs[g.index(i, j)] - out;
    }
  }
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
  constexpr double kMost = 1e-6;  // beyond, a residual would say nothing
  return b == 0.0 ? 0.0 : std::min(kMost, 64 * std::numeric_limits<double>::epsilon() * norm(scale) / b);
}

FaceFlux face_flux(const Problem& problem, const Field& p) {
  const Stencil s(problem);
  const Grid& g = s.grid;
  FaceFlux flux{std::vector<double>(s.tx.size()), std::vector<double>(s.ty.size())};
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 1; i < g.nx; ++i) {
      flux.ux[static_cast<std::size_t>(j) * (g.nx + 1) + i] = s.left(i, j) * (p(i - 1, j) - p(i, j)) / g.hy();
    }
  }
  for (int j = 1; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) flux.uy[g.index(i, j)] = s.below(i, j) * (p(i, j - 1) - p(i, j)) / g.hx();
  }
  for (Side side : kSides) {
    const BoundaryCondition& condition = problem.on(side);
    const bool positive = side == Side::right || side == Side::top;  // outward is the direction of the axis
    for_each_face(g, side, [&](const BoundaryFace& face) {
      const double value = condition.values[face.position];
      const double outward =
          condition.type == BoundaryCondition::Type::flux
              ? value
              : problem.permeability(face.i, face.j) * (p(face.i, face.j) - value) / (face.distance / 2);
      const double along_axis = positive ? outward : -outward;
      switch (side) {
        case Side::left:
          flux.ux[static_cast<std::size_t>(face.j) * (g.nx + 1)] = along_axis;
          break;
        case Side::right:
          flux.ux[static_cast<std::size_t>(face.j) * (g.nx + 1) + g.nx] = along_axis;
          break;
        case Side::bottom:
          flux.uy[face.i] = along_axis;
          break;
        case Side::top:
          flux.uy[static_cast<std::size_t>(g.ny) * g.nx + face.i] = along_axis;
          break;
      }
    });
  }
  return flux;
}

CellFlux cell_flux(const Problem& problem, const Field& pressure) {
  const Grid& g = problem.grid();
  const FaceFlux f = face_flux(problem, pressure);
  CellFlux cells{Field(g), Field(g)};
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const std::size_t face = static_cast<std::size_t>(j) * (g.nx + 1) + i;
      cells.x(i, j) = 0.5 * (f.ux[face] + f.ux[face + 1]);
      cells.y(i, j) = 0.5 * (f.uy[g.index(i, j)] + f.uy[g.index(i, j) + g.nx]);
    }
  }
  return cells;
}

std::array<double, 4> outflow(const Problem& problem, const Field& pressure) {
  const Grid& g = problem.grid();
  const FaceFlux f = face_flux(problem, pressure);
  std::array<double, 4> out{};
  for (int j = 0; j < g.ny; ++j) {
    out[static_cast<int>(Side::left)] -= f.ux[static_cast<std::size_t>(j) * (g.nx + 1)] * g.hy();
    out[static_cast<int>(Side::right)] += f.ux[static_cast<std::size_t>(j) * (g.nx + 1) + g.nx] * g.hy();
  }
  for (int i = 0; i < g.nx; ++i) {
    out[static_cast<int>(Side::bottom)] -= f.uy[i] * g.hx();
    out[static_cast<int>(Side::top)] += f.uy[static_cast<std::size_t>(g.ny) * g.nx + i] * g.hx();
  }
  return out;
}

}  // namespace mano
