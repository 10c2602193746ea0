#include "solver/problem.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/known_problem.hpp"
#include "solver/boundary_faces.hpp"
#include "solver/regions.hpp"

namespace mano {

namespace {

const char* name_of(Side side) {
  constexpr const char* kNames[] = {"left", "right", "bottom", "top"};
  return kNames[static_cast<int>(side)];
}

void check_boundary(const Problem& problem, Side side) {
  const Grid& g = problem.grid();
  const BoundaryCondition& condition = problem.on(side);
  const std::size_t faces = side == Side::left || side == Side::right ? g.ny : g.nx;
  check(condition.values.size() == faces, "side {} has {} values for {} faces", name_of(side),
        condition.values.size(), faces);
  for (double value : condition.values)
    check(std::isfinite(value), "side {} holds {}; it must be finite", name_of(side), value);
  if (problem.active.all()) return;
  bool any = false;
  for_each_face(g, side, [&](const BoundaryFace& face) {
    const bool active = problem.active(face.i, face.j);
    any = any || active;
    const double value = condition.values[face.position];
    check(
        active || condition.type == BoundaryCondition::Type::pressure || value == 0.0,
        "side {} prescribes a flux of {} at cell ({}, {}), which is inactive: give one value a face, 0 there",
        name_of(side), value, face.i, face.j);
  });
  check(any || condition.type == BoundaryCondition::Type::flux,
        "side {} prescribes a pressure, but all its cells are inactive: close it with flux=0", name_of(side));
}

void check_well(const Problem& problem, const Well& well) {
  const Grid& g = problem.grid();
  check(well.i >= 0 && well.i < g.nx && well.j >= 0 && well.j < g.ny, "well in cell ({}, {}) of a grid of {}",
        well.i, well.j, g.resolution());
  check(problem.active(well.i, well.j), "well in cell ({}, {}), which is inactive: put it into an active one",
        well.i, well.j);
  check(std::isfinite(well.value), "well in cell ({}, {}): value is {}", well.i, well.j, well.value);
  const bool needs_radius = well.control == Well::Control::pressure;
  check(std::isfinite(well.radius) && well.radius >= 0 && (well.radius > 0 || !needs_radius),
        "well in cell ({}, {}): radius is {}; a well of given pressure needs one above zero", well.i, well.j,
        well.radius);
  const double widest = equivalent_radius(problem, well);
  check(well.radius < widest,
        "well in cell ({}, {}): radius is {}; it must be below {:.6g}, a fifth of its cell", well.i, well.j,
        well.radius, widest);
}

// What flows in by sources, wells of given rate and flux faces, net and without regard to sign.
std::pair<double, double> prescribed_inflow(const Problem& problem) {
  const Grid& g = problem.grid();
  double net = 0.0;
  double size = 0.0;
  const auto add = [&](double flow) {
    net += flow;
    size += std::abs(flow);
  };
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (problem.active[c]) add(problem.source.values[c] * g.hx() * g.hy());
  }
  for (const Well& well : problem.wells) {
    if (well.control == Well::Control::rate) add(well.value);
  }
  for (Side side : kSides) {
    if (problem.on(side).type != BoundaryCondition::Type::flux) continue;
    const double length = side == Side::left || side == Side::right ? g.hy() : g.hx();
    for (double value : problem.on(side).values) add(-value * length);
  }
  return {net, size};
}

KnownProblem data_of(const std::string& problem_name) {
  if (problem_name == "closed") return closed_problem();
  const auto known = known_problem(problem_name);
  check(known.has_value(), "problem is '{}', expected benchmark, drive, five-spot or closed", problem_name);
  return *known;
}

}  // namespace

Range Problem::permeability_range() const {
  const Range x = least_and_most(permeability.values, active);
  if (permeability_y.values.empty()) return x;
  const Range y = least_and_most(permeability_y.values, active);
  return {std::min(x.least, y.least), std::max(x.most, y.most), x.finite && y.finite};
}

bool Problem::pressure_is_free() const {
  return std::all_of(boundary.begin(), boundary.end(),
                     [](const auto& condition) { return condition.type == BoundaryCondition::Type::flux; }) &&
         std::all_of(wells.begin(), wells.end(),
                     [](const Well& well) { return well.control == Well::Control::rate; });
}

double equivalent_radius(const Problem& problem, const Well& well) {
  const double ratio = problem.along_y()(well.i, well.j) / problem.permeability(well.i, well.j);
  const Grid& g = problem.grid();
  return 0.28 * std::sqrt(std::sqrt(ratio) * g.hx() * g.hx() + g.hy() * g.hy() / std::sqrt(ratio)) /
         (std::pow(ratio, 0.25) + std::pow(ratio, -0.25));
}

double well_index(const Problem& problem, const Well& well) {
  const double k = std::sqrt(problem.permeability(well.i, well.j) * problem.along_y()(well.i, well.j));
  return 2 * std::numbers::pi * k / std::log(equivalent_radius(problem, well) / well.radius);
}

void check_problem(const Problem& problem) {
  const Grid& g = problem.grid();
  check_permeability(problem.permeability, "permeability", problem.active);
  if (!problem.permeability_y.values.empty()) {
    check_permeability(problem.permeability_y, "permeability along y", problem.active);
    check(problem.permeability_y.grid == g, "permeability along y is on a grid of {}, along x on {}",
          problem.permeability_y.grid.resolution(), g.resolution());
  }
  check(problem.source.grid == g && problem.source.values.size() == g.cells(),
        "source is on a grid of {}, permeability on {}", problem.source.grid.resolution(), g.resolution());
  for (std::size_t c = 0; c < g.cells() && !least_and_most(problem.source.values).finite; ++c) {
    check(std::isfinite(problem.source.values[c]), "source is {} in cell ({}, {}); it must be finite",
          problem.source.values[c], c % g.nx, c / g.nx);
  }
  for (Side side : kSides) check_boundary(problem, side);
  for (const Well& well : problem.wells) check_well(problem, well);
  check_regions(problem);
  if (!problem.pressure_is_free()) return;
  const auto [net, size] = prescribed_inflow(problem);
  check(std::abs(net) <= 1e-10 * size,
        "no pressure is prescribed anywhere and {:.6g} flows in more than out: balance the rates, or give a "
        "side or a well a pressure",
        net);
}

BoundaryCondition constant_boundary(const Grid& grid, Side side, BoundaryCondition::Type type, double value) {
  const bool vertical = side == Side::left || side == Side::right;
  return {type, std::vector<double>(vertical ? grid.ny : grid.nx, value)};
}

Problem make_problem(const std::string& problem_name, Field permeability, CellMask active) {
  using Type = BoundaryCondition::Type;
  check_permeability(permeability, "solve", active);
  const KnownProblem known = data_of(problem_name);
  const Grid grid = permeability.grid;
  Problem problem{std::move(permeability), Field(grid, known.source), {}, {}, {}, std::move(active)};
  for (Side side : kSides) {
    const AxisEnd& end = known.ends[static_cast<int>(side)];
    problem.on(side) = constant_boundary(
        grid, side, end.kind == AxisEnd::Kind::value ? Type::pressure : Type::flux, end.value);
  }
  if (known.corner_rate != 0.0) {
    problem.wells.push_back({0, 0, Well::Control::rate, known.corner_rate});
    problem.wells.push_back({grid.nx - 1, grid.ny - 1, Well::Control::rate, -known.corner_rate});
  }
  return problem;
}

Problem flow_along(bool x, const Problem& rock) {
  Problem problem = rock;
  const Grid& grid = problem.grid();
  for (Side side : kSides)
    problem.on(side) = constant_boundary(grid, side, BoundaryCondition::Type::flux, 0.0);
  const Side in = x ? Side::left : Side::bottom;
  const Side out = x ? Side::right : Side::top;
  problem.on(in) = constant_boundary(grid, in, BoundaryCondition::Type::pressure, 1.0);
  problem.on(out) = constant_boundary(grid, out, BoundaryCondition::Type::pressure, 0.0);
  return problem;
}

}  // namespace mano
