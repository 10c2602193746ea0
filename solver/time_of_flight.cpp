#include "solver/time_of_flight.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "solver/boundary_faces.hpp"
#include "solver/flow.hpp"
#include "solver/stencil.hpp"

namespace mano {

namespace {

void check_pore(const Problem& problem, const Field& pore) {
  const Grid& g = problem.grid();
  check(pore.grid.nx == g.nx && pore.grid.ny == g.ny, "porosity is on a grid of {}, the permeability on {}",
        pore.grid.resolution(), g.resolution());
  for (std::size_t c = 0; c < g.cells(); ++c) {
    check(!problem.active[c] || (std::isfinite(pore.values[c]) && pore.values[c] >= 0),
          "porosity in cell ({}, {}) is {}; it must be finite and not negative", c % g.nx, c / g.nx,
          pore.values[c]);
  }
}

// Flows between cells, and what leaves each cell for the outside: through sides, wells and sinks.
class Flows {
 public:
  Flows(const Problem& problem, const Field& pressure)
      : stencil_(problem), pressure_(pressure), leaving_(problem.grid()) {
    for (double r : residual(stencil_, pressure).values) unknown_ += std::abs(r);
    const Grid& g = problem.grid();
    const auto leave = [&](std::size_t cell, double flow) {
      if (problem.active[cell] && flow > unknown_) leaving_.values[cell] += flow;
    };
    for (std::size_t c = 0; c < g.cells(); ++c) leave(c, -problem.source.values[c] * g.hx() * g.hy());
    const auto states = well_states(problem, pressure);
    for (std::size_t w = 0; w < states.size(); ++w)
      leave(g.index(problem.wells[w].i, problem.wells[w].j), -states[w].rate);
    const FaceFlux flux = face_flux(problem, pressure);
    for (int j = 0; j < g.ny; ++j) {
      const std::size_t row = static_cast<std::size_t>(j) * (g.nx + 1);
      leave(g.index(0, j), -flux.ux[row] * g.hy());
      leave(g.index(g.nx - 1, j), flux.ux[row + g.nx] * g.hy());
    }
    for (int i = 0; i < g.nx; ++i) {
      leave(g.index(i, 0), -flux.uy[i] * g.hx());
      leave(g.index(i, g.ny - 1), flux.uy[g.cells() + i] * g.hx());
    }
  }

  double leaving(std::size_t cell) const { return leaving_.values[cell]; }

  // visit(neighbour, flow out of the cell to it)
  template <typename Visit>
  void for_each_neighbour(int i, int j, Visit visit) const {
    const Grid& g = stencil_.grid;
    const std::size_t c = g.index(i, j);
    if (i > 0) visit(c - 1, flow(stencil_.left(i, j), c, c - 1));
    if (i + 1 < g.nx) visit(c + 1, flow(stencil_.right(i, j), c, c + 1));
    if (j > 0) visit(c - g.nx, flow(stencil_.below(i, j), c, c - g.nx));
    if (j + 1 < g.ny) visit(c + g.nx, flow(stencil_.above(i, j), c, c + g.nx));
  }

 private:
  // A region that is joined to the rest by a single face has a flow of zero through it, but for the residuals of its cells.
  double flow(double transmissibility, std::size_t from, std::size_t to) const {
    const double a = pressure_.values[from];
    const double b = pressure_.values[to];
    const double flow = transmissibility * (a - b);
    const double rounding =
        64 * std::numeric_limits<double>::epsilon() * transmissibility * (std::abs(a) + std::abs(b));
    return std::abs(flow) > unknown_ + rounding ? flow : 0.0;
  }

  Stencil stencil_;
  const Field& pressure_;
  Field leaving_;
  double unknown_ = 0.0;
};

}  // namespace

Field time_of_flight(const Problem& problem, const Field& pressure, const Field& pore) {
  check_pore(problem, pore);
  const Grid& g = problem.grid();
  const Flows flows(problem, pressure);
  std::vector<std::size_t> order(g.cells());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return pressure.values[a] > pressure.values[b]; });
  Field tau(g, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t c : order) {
    if (!problem.active[c]) continue;
    double out = flows.leaving(c);
    double aged = pore.values[c] * g.hx() * g.hy();
    flows.for_each_neighbour(static_cast<int>(c % g.nx), static_cast<int>(c / g.nx),
                             [&](std::size_t neighbour, double flow) {
                               if (flow > 0) out += flow;
                               if (flow < 0) aged -= flow * tau.values[neighbour];
                             });
    tau.values[c] = out > 0 ? aged / out : std::numeric_limits<double>::infinity();
  }
  return tau;
}

double pore_volume(const Problem& problem, const Field& pore) {
  double volume = 0.0;
  for (double value : active_values(pore, problem.active)) volume += value;
  return volume * problem.grid().hx() * problem.grid().hy();
}

double swept_volume(const Problem& problem, const Field& pore, const Field& tau, double time) {
  double volume = 0.0;
  for (std::size_t c = 0; c < pore.values.size(); ++c) {
    if (problem.active[c] && tau.values[c] <= time) volume += pore.values[c];
  }
  return volume * problem.grid().hx() * problem.grid().hy();
}

}  // namespace mano
