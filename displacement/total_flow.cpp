#include "displacement/total_flow.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "core/error.hpp"
#include "solver/pressure_sequence.hpp"

namespace mano {

namespace {

std::vector<Connection> faces_between(const Grid& g) {
  check(g.flat(), "a displacement in a volume of {}: only flat grids are simulated", g.resolution());
  std::vector<Connection> faces;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i + 1 < g.nx; ++i)
      faces.push_back({static_cast<int>(g.index(i, j)), static_cast<int>(g.index(i + 1, j))});
  }
  for (int j = 0; j + 1 < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i)
      faces.push_back({static_cast<int>(g.index(i, j)), static_cast<int>(g.index(i, j + 1))});
  }
  return faces;
}

void add_side(const Problem& problem, Side side, std::vector<Opening>& openings) {
  const Grid& g = problem.grid();
  const bool is_x = side == Side::left || side == Side::right;
  const BoundaryCondition& condition = problem.on(side);
  const Field& k = is_x ? problem.permeability : problem.along_y();
  const double length = is_x ? g.hy() : g.hx();
  const double distance = is_x ? g.hx() : g.hy();
  for (int n = 0; n < (is_x ? g.ny : g.nx); ++n) {
    const int i = is_x ? (side == Side::left ? 0 : g.nx - 1) : n;
    const int j = is_x ? n : (side == Side::front ? 0 : g.ny - 1);
    const std::size_t cell = g.index(i, j);
    if (!problem.active[cell]) continue;
    Opening opening{Opening::Kind::side, static_cast<int>(side), static_cast<int>(cell)};
    if (condition.type == BoundaryCondition::Type::flux) {
      opening.prescribed = -condition.values[n] * length;
      if (opening.prescribed == 0.0) continue;
    } else {
      opening.conductance = k.values[cell] * length / (distance / 2);
      opening.held = condition.values[n];
    }
    openings.push_back(opening);
  }
}

std::vector<Opening> openings_of(const Problem& problem) {
  const Grid& g = problem.grid();
  std::vector<Opening> openings;
  for (Side side : sides_of(g)) add_side(problem, side, openings);
  for (std::size_t w = 0; w < problem.wells.size(); ++w) {
    const Well& well = problem.wells[w];
    Opening opening{Opening::Kind::well, static_cast<int>(w), static_cast<int>(g.index(well.i, well.j))};
    if (well.control == Well::Control::rate) {
      opening.prescribed = well.value;
    } else {
      opening.conductance = well_index(problem, well);
      opening.held = well.value;
    }
    openings.push_back(opening);
  }
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (problem.active[c] && problem.source.values[c] != 0.0)
      openings.push_back(
          {Opening::Kind::source, 0, static_cast<int>(c), problem.source.values[c] * g.hx() * g.hy()});
  }
  return openings;
}

}  // namespace

struct TotalFlow::Impl {
  Spare spare;
  PressureSequence sequence;
  Connections connections;
  std::vector<Opening> openings;
  Field pressure;
  Flows flows;
  std::vector<double> rates;
  int solves = 0;
  int cycles = 0;

  Impl(const Problem& problem, Spare more)
      : spare(std::move(more)),
        sequence(problem),
        connections(problem.grid().cells(), faces_between(problem.grid())),
        openings(openings_of(problem)),
        pressure(sequence.level()) {}

  void find_flows(const std::vector<double>& lambda) {
    const Stencil& s = sequence.stencil();
    const Grid& g = s.grid;
    flows.face.resize(connections.faces().size());
    std::size_t f = 0;
    for (int j = 0; j < g.ny; ++j) {
      for (int i = 0; i + 1 < g.nx; ++i)
        flows.face[f++] = s.right(i, j) * (pressure(i, j) - pressure(i + 1, j));
    }
    for (int j = 0; j + 1 < g.ny; ++j) {
      for (int i = 0; i < g.nx; ++i) flows.face[f++] = s.back(i, j) * (pressure(i, j) - pressure(i, j + 1));
    }
    flows.in.assign(g.cells(), 0.0);
    flows.out.assign(g.cells(), 0.0);
    rates.resize(openings.size());
    for (std::size_t o = 0; o < openings.size(); ++o) {
      const Opening& opening = openings[o];
      const double rate = opening.prescribed + opening.conductance * lambda[opening.cell] *
                                                   (opening.held - pressure.values[opening.cell]);
      rates[o] = rate;
      (rate > 0 ? flows.in : flows.out)[opening.cell] += std::abs(rate);
    }
  }
};

TotalFlow::TotalFlow(const Problem& problem, Spare spare)
    : impl_(std::make_unique<Impl>(problem, std::move(spare))) {}
TotalFlow::~TotalFlow() = default;

void TotalFlow::solve(const std::vector<double>& lambda, double tolerance) {
  Impl& d = *impl_;
  ++d.solves;
  try {
    d.cycles += d.sequence.solve(lambda, d.pressure, tolerance).cycles;
  } catch (const RunFailed&) {
    if (!d.spare) throw;
    d.pressure = d.spare(d.sequence.problem());
  }
  d.find_flows(lambda);
}

const Problem& TotalFlow::problem() const {
  return impl_->sequence.problem();
}
const Field& TotalFlow::pressure() const {
  return impl_->pressure;
}
const Flows& TotalFlow::flows() const {
  return impl_->flows;
}
const Connections& TotalFlow::connections() const {
  return impl_->connections;
}
const std::vector<Opening>& TotalFlow::openings() const {
  return impl_->openings;
}
const std::vector<double>& TotalFlow::rates() const {
  return impl_->rates;
}
int TotalFlow::solves() const {
  return impl_->solves;
}
int TotalFlow::cycles() const {
  return impl_->cycles;
}

}  // namespace mano
