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
  check(pore.grid.same_cells(g), "porosity is on a grid of {}, the permeability on {}",
        pore.grid.resolution(), g.resolution());
  for (std::size_t c = 0; c < g.cells(); ++c) {
    check(!problem.active[c] || (std::isfinite(pore.values[c]) && pore.values[c] >= 0),
          "porosity in cell {} is {}; it must be finite and not negative", g.cell(c), pore.values[c]);
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
    for (std::size_t c = 0; c < g.cells(); ++c)
      leave(c, -problem.source.values[c] * g.hx() * g.hy() * g.hz());
    const auto states = well_states(problem, pressure);
    for (std::size_t w = 0; w < states.size(); ++w) {
      for (const auto& [layer, rate] : states[w].layers)
        leave(g.index(problem.wells[w].i, problem.wells[w].j, layer), -rate);
    }
    const FaceFlux flux = face_flux(problem, pressure);
    for (Side side : sides_of(g))
      for_each_outflow(g, flux, side, [&](const BoundaryFace& face, double flow) { leave(face.cell, flow); });
  }

  double leaving(std::size_t cell) const { return leaving_.values[cell]; }

  // visit(neighbour, flow out of the cell to it)
  template <typename Visit>
  void for_each_neighbour(std::size_t c, Visit visit) const {
    const Grid& g = stencil_.grid;
    const int i = static_cast<int>(c % g.nx);
    const int j = static_cast<int>(c / g.nx % g.ny);
    const int k = static_cast<int>(c / g.layer());
    if (i > 0) visit(c - 1, flow(stencil_.left(i, j, k), c, c - 1));
    if (i + 1 < g.nx) visit(c + 1, flow(stencil_.right(i, j, k), c, c + 1));
    if (j > 0) visit(c - g.nx, flow(stencil_.front(i, j, k), c, c - g.nx));
    if (j + 1 < g.ny) visit(c + g.nx, flow(stencil_.back(i, j, k), c, c + g.nx));
    if (k > 0) visit(c - g.layer(), flow(stencil_.top(i, j, k), c, c - g.layer()));
    if (k + 1 < g.nz) visit(c + g.layer(), flow(stencil_.bottom(i, j, k), c, c + g.layer()));
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
    double aged = pore.values[c] * g.hx() * g.hy() * g.hz();
    flows.for_each_neighbour(c, [&](std::size_t neighbour, double flow) {
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
  const Grid& g = problem.grid();
  return volume * g.hx() * g.hy() * g.hz();
}

double swept_volume(const Problem& problem, const Field& pore, const Field& tau, double time) {
  double volume = 0.0;
  for (std::size_t c = 0; c < pore.values.size(); ++c) {
    if (problem.active[c] && tau.values[c] <= time) volume += pore.values[c];
  }
  const Grid& g = problem.grid();
  return volume * g.hx() * g.hy() * g.hz();
}

}  // namespace mano
