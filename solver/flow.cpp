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
  FaceFlux flux{std::vector<double>(s.tx.size()), std::vector<double>(s.ty.size()),
                std::vector<double>(s.tz.size())};
  for (int k = 0; k < g.nz; ++k) {
    for (int j = 0; j < g.ny; ++j) {
      const std::size_t row = (static_cast<std::size_t>(k) * g.ny + j) * (g.nx + 1);
      for (int i = 1; i < g.nx; ++i)
        flux.ux[row + i] = s.left(i, j, k) * (p(i - 1, j, k) - p(i, j, k)) / (g.hy() * g.hz());
    }
    for (int j = 1; j < g.ny; ++j) {
      const std::size_t row = (static_cast<std::size_t>(k) * (g.ny + 1) + j) * g.nx;
      for (int i = 0; i < g.nx; ++i)
        flux.uy[row + i] = s.front(i, j, k) * (p(i, j - 1, k) - p(i, j, k)) / (g.hx() * g.hz());
    }
  }
  for (std::size_t c = g.layer(); c < g.cells() && !s.tz.empty(); ++c)
    flux.uz[c] = s.tz[c] * (p.values[c - g.layer()] - p.values[c]) / (g.hx() * g.hy());
  for (Side side : sides_of(g)) {
    const BoundaryCondition& condition = problem.on(side);
    const std::vector<double>& k = problem.across(side).values;
    std::vector<double>& u = of_axis(axis_of(side), flux.ux, flux.uy, flux.uz);
    for_each_face(g, side, [&](const BoundaryFace& face) {
      if (!problem.active[face.cell]) return;
      const double value = condition.values[face.position];
      const double outward = condition.type == BoundaryCondition::Type::flux
                                 ? value
                                 : k[face.cell] * (p.values[face.cell] - value) / (face.distance / 2);
      u[face.index] = at_end(side) ? outward : -outward;
    });
  }
  return flux;
}

CellFlux cell_flux(const Problem& problem, const Field& pressure) {
  return cell_flux(problem.grid(), face_flux(problem, pressure));
}

CellFlux cell_flux(const Grid& g, const FaceFlux& f) {
  CellFlux cells{Field(g), Field(g), g.flat() ? Field() : Field(g)};
  for (std::size_t c = 0; c < g.cells(); ++c) {
    const std::size_t left = c + c / g.nx;
    const std::size_t front = c + c / g.layer() * g.nx;
    cells.x.values[c] = 0.5 * (f.ux[left] + f.ux[left + 1]);
    cells.y.values[c] = 0.5 * (f.uy[front] + f.uy[front + g.nx]);
    if (!g.flat()) cells.z.values[c] = 0.5 * (f.uz[c] + f.uz[c + g.layer()]);
  }
  return cells;
}

std::array<double, 6> outflow(const Problem& problem, const Field& pressure) {
  const FaceFlux flux = face_flux(problem, pressure);
  std::array<double, 6> out{};
  for (Side side : sides_of(problem.grid())) {
    for_each_outflow(problem.grid(), flux, side,
                     [&](const BoundaryFace&, double flow) { out[static_cast<int>(side)] += flow; });
  }
  return out;
}

std::vector<WellState> well_states(const Problem& problem, const Field& p) {
  std::vector<WellState> states;
  for (const Well& well : problem.wells) {
    const std::vector<Completion> open = completions(problem, well);
    WellState state;
    double indices = 0.0;
    double weighted = 0.0;
    for (const Completion& c : open) {
      indices += c.index;
      weighted += c.index * p.values[c.cell];
    }
    const bool bored = well.radius > 0;
    if (well.control == Well::Control::pressure) {
      state.pressure = well.value;
    } else {
      state.pressure = !bored             ? std::numeric_limits<double>::quiet_NaN()
                       : open.size() == 1 ? p.values[open[0].cell] + well.value / open[0].index
                                          : (well.value + weighted) / indices;
    }
    for (const Completion& c : open) {
      const bool shared = well.control == Well::Control::rate && (!bored || open.size() == 1);
      const double rate = shared ? well.value * c.share : c.index * (state.pressure - p.values[c.cell]);
      state.layers.push_back({c.layer, rate});
      state.rate += rate;
    }
    if (well.control == Well::Control::rate) state.rate = well.value;
    states.push_back(std::move(state));
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
  const FaceFlux flux = face_flux(problem, pressure);
  for (Side side : sides_of(g))
    for_each_outflow(g, flux, side, [&](const BoundaryFace&, double flow) { add(-flow); });
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (problem.active[c]) add(problem.source.values[c] * g.hx() * g.hy() * g.hz());
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
