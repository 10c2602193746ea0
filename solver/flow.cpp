#include "solver/flow.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "solver/boundary_faces.hpp"
#include "solver/stencil.hpp"

namespace mano {

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
    const Field& k = side == Side::left || side == Side::right ? problem.permeability : problem.along_y();
    const bool positive = side == Side::right || side == Side::top;  // outward is the direction of the axis
    for_each_face(g, side, [&](const BoundaryFace& face) {
      if (!problem.active(face.i, face.j)) return;
      const double value = condition.values[face.position];
      const double outward = condition.type == BoundaryCondition::Type::flux
                                 ? value
                                 : k(face.i, face.j) * (p(face.i, face.j) - value) / (face.distance / 2);
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
  return cell_flux(problem.grid(), face_flux(problem, pressure));
}

CellFlux cell_flux(const Grid& g, const FaceFlux& f) {
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

std::vector<WellState> well_states(const Problem& problem, const Field& p) {
  std::vector<WellState> states;
  for (const Well& well : problem.wells) {
    const double cell = p(well.i, well.j);
    if (well.control == Well::Control::pressure) {
      states.push_back({well_index(problem, well) * (well.value - cell), well.value});
    } else {
      states.push_back({well.value, well.radius > 0 ? cell + well.value / well_index(problem, well)
                                                    : std::numeric_limits<double>::quiet_NaN()});
    }
  }
  return states;
}

namespace {

struct Balance {
  double net = 0.0;
  double in = 0.0;
};

Balance balance_of(const Problem& problem, const Field& pressure) {
  Balance balance;
  const auto add = [&](double inflow) {
    balance.net += inflow;
    balance.in += std::max(0.0, inflow);
  };
  const Grid& g = problem.grid();
  const FaceFlux f = face_flux(problem, pressure);
  for (int j = 0; j < g.ny; ++j) {
    add(f.ux[static_cast<std::size_t>(j) * (g.nx + 1)] * g.hy());
    add(-f.ux[static_cast<std::size_t>(j) * (g.nx + 1) + g.nx] * g.hy());
  }
  for (int i = 0; i < g.nx; ++i) {
    add(f.uy[i] * g.hx());
    add(-f.uy[static_cast<std::size_t>(g.ny) * g.nx + i] * g.hx());
  }
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (problem.active[c]) add(problem.source.values[c] * g.hx() * g.hy());
  }
  for (const WellState& well : well_states(problem, pressure)) add(well.rate);
  return balance;
}

}  // namespace

double inflow(const Problem& problem, const Field& pressure) {
  return balance_of(problem, pressure).in;
}

double mass_balance_error(const Problem& problem, const Field& pressure) {
  const Balance balance = balance_of(problem, pressure);
  double largest = 0.0;  // that rounding errors are made of
  for (double flow : Stencil(problem).rhs) largest += std::abs(flow);
  const bool flows = balance.in > 64 * std::numeric_limits<double>::epsilon() * largest;
  return flows ? std::abs(balance.net) / balance.in : 0.0;
}

}  // namespace mano
