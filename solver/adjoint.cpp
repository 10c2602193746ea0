#include "solver/adjoint.hpp"

#include <utility>

#include "core/error.hpp"
#include "solver/boundary_faces.hpp"

namespace mano {

namespace {

struct Fields {
  const Field& pressure;
  const Field& adjoint;
  Field& gradient;

  // The face between cells a and b whose transmissibility is `t`.
  void interior(const Field& k, std::size_t a, std::size_t b, double t) const {
    const double flow = -(adjoint.values[a] - adjoint.values[b]) * (pressure.values[a] - pressure.values[b]) *
                        t / (k.values[a] + k.values[b]);
    gradient.values[a] += flow * k.values[b];
    gradient.values[b] += flow * k.values[a];
  }
  // What joins cell c to a given pressure, in proportion to its permeability.
  void held(std::size_t c, double t, double given) const {
    gradient.values[c] += adjoint.values[c] * (given - pressure.values[c]) * t;
  }
};

void add_faces(const Problem& problem, const Stencil& s, const Fields& fields) {
  const Grid& grid = s.grid;
  const Field& kx = problem.permeability;
  const Field& ky = problem.along_y();
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) {
      const std::size_t c = grid.index(i, j);
      if (!s.active[c]) continue;  // its faces are closed
      if (i > 0 && s.active[c - 1]) fields.interior(kx, c - 1, c, s.left(i, j));
      if (j > 0 && s.active[c - grid.nx]) fields.interior(ky, c - grid.nx, c, s.front(i, j));
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
    fields.held(face.cell, t, condition.values[face.position]);
    by_value[face.position] = lambda * t;
  });
  return by_value;
}

double slope_of(const std::vector<double>& slopes, std::size_t well) {
  return slopes.empty() ? 0.0 : slopes[well];
}

// The derivative by the well's value; that by its cell's permeability is added.
double add_well(const Problem& problem, std::size_t w, const WellSlopes& slopes, const Fields& fields) {
  const Well& well = problem.wells[w];
  const std::size_t c = problem.grid().index(well.i, well.j);
  const double lambda = fields.adjoint.values[c];
  const double by_rate = slope_of(slopes.by_rate, w);
  const double by_bore = slope_of(slopes.by_pressure, w);
  const double index = well.radius > 0 ? well_index(problem, well) : 0.0;
  double& by_log_k = fields.gradient.values[c];
  if (well.control == Well::Control::pressure) {
    fields.held(c, index, well.value);
    by_log_k += by_rate * index * (well.value - fields.pressure.values[c]);
    return (lambda + by_rate) * index + by_bore;
  }
  if (index == 0.0) return lambda + by_rate;
  by_log_k -= by_bore * well.value / index;
  return lambda + by_rate + by_bore / index;
}

void check_fits(const Problem& problem, const Field& field, const WellSlopes& slopes) {
  const Grid& grid = problem.grid();
  check(grid.flat(), "the gradient is of flat grids, not of {}", grid.resolution());
  check(field.values.size() == grid.cells(),
        "pressure, slope and adjoint must be on the problem's grid of {}", grid.resolution());
  for (const std::vector<double>* by_well : {&slopes.by_rate, &slopes.by_pressure})
    check(by_well->empty() || by_well->size() == problem.wells.size(),
          "the slope by wells has {} numbers, the problem {} wells", by_well->size(), problem.wells.size());
}

}  // namespace

Field adjoint_source(const Problem& problem, FunctionalSlope slope) {
  check_fits(problem, slope.by_pressure, slope.by_wells);
  for (std::size_t w = 0; w < problem.wells.size(); ++w) {
    const Well& well = problem.wells[w];
    double& by_pressure = slope.by_pressure.values[problem.grid().index(well.i, well.j)];
    if (well.control == Well::Control::pressure)
      by_pressure -= slope_of(slope.by_wells.by_rate, w) * well_index(problem, well);
    else if (well.radius > 0)
      by_pressure += slope_of(slope.by_wells.by_pressure, w);
  }
  return std::move(slope.by_pressure);
}

FlowGradient flow_gradient(const Problem& problem, const Stencil& s, const WellSlopes& by_wells,
                           const Field& pressure, Field adjoint) {
  const Grid& grid = s.grid;
  check_fits(problem, pressure, by_wells);
  check_fits(problem, adjoint, by_wells);
  FlowGradient gradient{
      .by_log_permeability = Field(grid), .by_source = {}, .by_well = {}, .by_boundary = {}};
  const Fields fields{pressure, adjoint, gradient.by_log_permeability};
  add_faces(problem, s, fields);
  for (Side side : sides_of(grid))
    gradient.by_boundary[static_cast<int>(side)] = add_side(problem, side, fields);
  for (std::size_t w = 0; w < problem.wells.size(); ++w)
    gradient.by_well.push_back(add_well(problem, w, by_wells, fields));
  const double area = grid.hx() * grid.hy();
  for (std::size_t c = 0; c < grid.cells(); ++c)
    adjoint.values[c] = s.active[c] ? adjoint.values[c] * area : 0.0;
  gradient.by_source = std::move(adjoint);
  return gradient;
}

}  // namespace mano
