#include "solver/adjoint.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "solver/boundary_faces.hpp"

namespace mano {

namespace {

struct Fields {
  const Field& pressure;
  const Field& adjoint;
  std::array<Field*, 3>
      by_log_k;  // where derivatives by the permeability along x, y, z go: some may be one field

  // The face across an axis between cells a and b whose transmissibility is `t`.
  void interior(Axis axis, const Field& k, std::size_t a, std::size_t b, double t) const {
    std::vector<double>& gradient = by_log_k[static_cast<int>(axis)]->values;
    const double flow = -(adjoint.values[a] - adjoint.values[b]) * (pressure.values[a] - pressure.values[b]) *
                        t / (k.values[a] + k.values[b]);
    gradient[a] += flow * k.values[b];
    gradient[b] += flow * k.values[a];
  }
  // What joins cell c to a given pressure through a face across an axis, in proportion to its permeability.
  void held(Axis axis, std::size_t c, double t, double given) const {
    by_log_k[static_cast<int>(axis)]->values[c] += adjoint.values[c] * (given - pressure.values[c]) * t;
  }
  // A derivative by what depends on kx and ky, in proportion to both: `along_y` of it is by ln ky.
  void in_plane(std::size_t c, double along_y, double derivative) const {
    if (by_log_k[0] == by_log_k[1]) {
      by_log_k[0]->values[c] += derivative;
      return;
    }
    by_log_k[0]->values[c] += (1 - along_y) * derivative;
    by_log_k[1]->values[c] += along_y * derivative;
  }
};

void add_faces(const Problem& problem, const Stencil& s, const Fields& fields) {
  const Grid& grid = s.grid;
  const Field& kx = problem.permeability;
  const Field& ky = problem.along_y();
  const Field& kz = problem.along_z();
  const std::size_t layer = grid.layer();
  for (int k = 0; k < grid.nz; ++k) {
    for (int j = 0; j < grid.ny; ++j) {
      for (int i = 0; i < grid.nx; ++i) {
        const std::size_t c = grid.index(i, j, k);
        if (!s.active[c]) continue;  // its faces are closed
        if (i > 0 && s.active[c - 1]) fields.interior(Axis::x, kx, c - 1, c, s.left(i, j, k));
        if (j > 0 && s.active[c - grid.nx]) fields.interior(Axis::y, ky, c - grid.nx, c, s.front(i, j, k));
        if (k > 0 && s.active[c - layer]) fields.interior(Axis::z, kz, c - layer, c, s.top(i, j, k));
      }
    }
  }
}

std::vector<double> add_side(const Problem& problem, Side side, const Fields& fields) {
  const BoundaryCondition& condition = problem.on(side);
  const std::vector<double>& k = problem.across(side).values;
  std::vector<double> by_value(condition.values.size());
  for_each_face(problem.grid(), side, [&](const BoundaryFace& face) {
    if (!problem.active[face.cell]) return;
    const double lambda = fields.adjoint.values[face.cell];
    if (condition.type == BoundaryCondition::Type::flux) {
      by_value[face.position] = -lambda * face.area;
      return;
    }
    const double t = k[face.cell] * face.area / (face.distance / 2);
    fields.held(axis_of(side), face.cell, t, condition.values[face.position]);
    by_value[face.position] = lambda * t;
  });
  return by_value;
}

double slope_of(const std::vector<double>& slopes, std::size_t well) {
  return slopes.empty() ? 0.0 : slopes[well];
}

// Where a well is open, and what its derivatives are made of.
struct OpenWell {
  const Problem& problem;
  const Well& well;
  double by_rate;
  double by_bore;
  std::vector<Completion> open;
  double total = 0.0;  // of the indices

  OpenWell(const Problem& p, std::size_t w, const WellSlopes& slopes)
      : problem(p),
        well(p.wells[w]),
        by_rate(slope_of(slopes.by_rate, w)),
        by_bore(slope_of(slopes.by_pressure, w)),
        open(completions(p, well)) {
    for (const Completion& c : open) total += c.index;
  }
  bool bored() const { return well.radius > 0; }
  // What the cell gets of a given rate where all cells have one pressure.
  double weight(const Completion& c) const {
    return open.size() == 1 ? 1.0 : bored() ? c.index / total : c.share;
  }
  double mean(const Field& field) const {
    double sum = 0.0;
    for (const Completion& c : open) sum += weight(c) * field.values[c.cell];
    return sum;
  }
  // d(ln index) / d(ln ky)
  double along_y(const Completion& c) const {
    const Grid& g = problem.grid();
    const double root = std::sqrt(problem.along_y().values[c.cell] / problem.permeability.values[c.cell]);
    const double x = root * g.hx() * g.hx();
    const double y = g.hy() * g.hy() / root;
    const double of_radius = ((x - y) / (x + y) - (root - 1) / (root + 1)) / 4;
    return 0.5 - of_radius / std::log(equivalent_radius(problem, well, c.layer) / well.radius);
  }
};

// The derivative by the pressure in the bore of a well where that is given; those by its cells' permeabilities are added.
double add_held_well(const OpenWell& w, const Fields& fields) {
  double by_value = 0.0;
  for (const Completion& c : w.open) {
    const double lambda = fields.adjoint.values[c.cell];
    const double drop = w.well.value - fields.pressure.values[c.cell];
    const double along_y = w.along_y(c);
    fields.in_plane(c.cell, along_y, lambda * drop * c.index);
    fields.in_plane(c.cell, along_y, w.by_rate * c.index * drop);
    by_value += (lambda + w.by_rate) * c.index;
  }
  return by_value + w.by_bore;
}

// The same by a given rate.
double add_rate_well(const OpenWell& w, const Fields& fields) {
  const double q = w.well.value;
  const double lambda = w.mean(fields.adjoint);
  if (w.bored()) {
    const double bore = q / w.total + w.mean(fields.pressure);
    for (const Completion& c : w.open) {
      const double rate = w.open.size() == 1 ? q : c.index * (bore - fields.pressure.values[c.cell]);
      fields.in_plane(c.cell, w.along_y(c),
                      rate * (fields.adjoint.values[c.cell] - lambda) - w.by_bore * rate / w.total);
    }
    return lambda + w.by_rate + w.by_bore / w.total;
  }
  for (const Completion& c : w.open)
    fields.in_plane(c.cell, 0.5, q * w.weight(c) * (fields.adjoint.values[c.cell] - lambda));
  return lambda + w.by_rate;
}

double add_well(const Problem& problem, std::size_t w, const WellSlopes& slopes, const Fields& fields) {
  const OpenWell open(problem, w, slopes);
  return open.well.control == Well::Control::pressure ? add_held_well(open, fields)
                                                      : add_rate_well(open, fields);
}

void check_fits(const Problem& problem, const Field& field, const WellSlopes& slopes) {
  const Grid& grid = problem.grid();
  check(field.values.size() == grid.cells(),
        "pressure, slope and adjoint must be on the problem's grid of {}", grid.resolution());
  for (const std::vector<double>* by_well : {&slopes.by_rate, &slopes.by_pressure})
    check(by_well->empty() || by_well->size() == problem.wells.size(),
          "the slope by wells has {} numbers, the problem {} wells", by_well->size(), problem.wells.size());
}

}  // namespace

Field adjoint_source(const Problem& problem, FunctionalSlope slope) {
  check_fits(problem, slope.by_pressure, slope.by_wells);
  for (std::size_t n = 0; n < problem.wells.size(); ++n) {
    const OpenWell w(problem, n, slope.by_wells);
    for (const Completion& c : w.open) {
      double& by_pressure = slope.by_pressure.values[c.cell];
      if (w.well.control == Well::Control::pressure)
        by_pressure -= w.by_rate * c.index;
      else if (w.bored())
        by_pressure += w.by_bore * w.weight(c);
    }
  }
  return std::move(slope.by_pressure);
}

FlowGradient flow_gradient(const Problem& problem, const Stencil& s, const WellSlopes& by_wells,
                           const Field& pressure, Field adjoint, OwnDirections own) {
  const Grid& grid = s.grid;
  check_fits(problem, pressure, by_wells);
  check_fits(problem, adjoint, by_wells);
  check(!own.z || !grid.flat(), "permeability along z is for volumes, the grid is {}", grid.resolution());
  FlowGradient gradient;
  gradient.by_log_permeability = Field(grid);
  const auto of = [&](bool is_own, Field& field) {
    if (!is_own) return &gradient.by_log_permeability;
    field = Field(grid);
    return &field;
  };
  const Fields fields{pressure,
                      adjoint,
                      {&gradient.by_log_permeability, of(own.y, gradient.by_log_permeability_y),
                       of(own.z, gradient.by_log_permeability_z)}};
  add_faces(problem, s, fields);
  for (Side side : sides_of(grid))
    gradient.by_boundary[static_cast<int>(side)] = add_side(problem, side, fields);
  for (std::size_t w = 0; w < problem.wells.size(); ++w)
    gradient.by_well.push_back(add_well(problem, w, by_wells, fields));
  const double volume = grid.hx() * grid.hy() * grid.hz();
  for (std::size_t c = 0; c < grid.cells(); ++c)
    adjoint.values[c] = s.active[c] ? adjoint.values[c] * volume : 0.0;
  gradient.by_source = std::move(adjoint);
  return gradient;
}

}  // namespace mano
