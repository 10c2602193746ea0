#include "solver/adjoint.hpp"

#include "core/error.hpp"

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

void add_sides(const Problem& problem, const Stencil& s, const Fields& fields) {
  const Grid& grid = s.grid;
  const auto holds = [&](Side side) { return problem.on(side).type == BoundaryCondition::Type::pressure; };
  for (int j = 0; j < grid.ny; ++j) {
    if (holds(Side::left)) fields.held(grid.index(0, j), s.left(0, j), problem.on(Side::left).values[j]);
    const int last = grid.nx - 1;
    if (holds(Side::right))
      fields.held(grid.index(last, j), s.right(last, j), problem.on(Side::right).values[j]);
  }
  for (int i = 0; i < grid.nx; ++i) {
    if (holds(Side::front)) fields.held(grid.index(i, 0), s.front(i, 0), problem.on(Side::front).values[i]);
    const int last = grid.ny - 1;
    if (holds(Side::back))
      fields.held(grid.index(i, last), s.back(i, last), problem.on(Side::back).values[i]);
  }
}

}  // namespace

Field gradient_by_log_permeability(const Problem& problem, const Field& pressure, const Field& adjoint) {
  return gradient_by_log_permeability(problem, Stencil(problem), pressure, adjoint);
}

Field gradient_by_log_permeability(const Problem& problem, const Stencil& s, const Field& pressure,
                                   const Field& adjoint) {
  const Grid& grid = s.grid;
  check(grid.flat(), "the gradient is of flat grids, not of {}", grid.resolution());
  check(pressure.values.size() == grid.cells() && adjoint.values.size() == grid.cells(),
        "pressure and adjoint must be on the problem's grid of {}", grid.resolution());
  Field gradient(grid);
  const Fields fields{pressure, adjoint, gradient};
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
  add_sides(problem, s, fields);
  for (const Well& well : problem.wells) {
    if (well.control == Well::Control::pressure)
      fields.held(grid.index(well.i, well.j), well_index(problem, well), well.value);
  }
  return gradient;
}

}  // namespace mano
