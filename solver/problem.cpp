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

constexpr const char* kSideNames[] = {"left", "right", "front", "back", "top", "bottom"};

std::size_t faces_of(const Grid& g, Side side) {
  switch (axis_of(side)) {
    case Axis::x:
      return static_cast<std::size_t>(g.ny) * g.nz;
    case Axis::y:
      return static_cast<std::size_t>(g.nx) * g.nz;
    default:
      return g.layer();
  }
}

// "cell (3, 4)", "cells (3, 4, 0) to (3, 4, 9)"
std::string place_of(const Well& w, const Grid& g) {
  if (g.flat() && w.first_layer == 0 && w.last_layer == 0) return fmt::format("cell ({}, {})", w.i, w.j);
  const std::string first = fmt::format("({}, {}, {})", w.i, w.j, w.first_layer);
  return w.last_layer == w.first_layer
             ? "cell " + first
             : fmt::format("cells {} to ({}, {}, {})", first, w.i, w.j, w.last_layer);
}

void check_boundary(const Problem& problem, Side side) {
  const Grid& g = problem.grid();
  const BoundaryCondition& condition = problem.on(side);
  const std::size_t faces = faces_of(g, side);
  const std::string name = name_of(side, g);
  check(condition.values.size() == faces, "side {} has {} values for {} faces", name, condition.values.size(),
        faces);
  for (double value : condition.values)
    check(std::isfinite(value), "side {} holds {}; it must be finite", name, value);
  if (problem.active.all()) return;
  bool any = false;
  for_each_face(g, side, [&](const BoundaryFace& face) {
    const bool active = problem.active[face.cell];
    any = any || active;
    const double value = condition.values[face.position];
    check(active || condition.type == BoundaryCondition::Type::pressure || value == 0.0,
          "side {} prescribes a flux of {} at cell {}, which is inactive: give one value a face, 0 there",
          name, value, g.cell(face.cell));
  });
  check(any || condition.type == BoundaryCondition::Type::flux,
        "side {} prescribes a pressure, but all its cells are inactive: close it with flux=0", name);
}

void check_well(const Problem& problem, const Well& well) {
  const Grid& g = problem.grid();
  const bool inside = well.i >= 0 && well.i < g.nx && well.j >= 0 && well.j < g.ny;
  check(inside && well.first_layer >= 0 && well.first_layer <= well.last_layer && well.last_layer < g.nz,
        "well in {} of a grid of {}", place_of(well, g), g.resolution());
  const std::string place = place_of(well, g);
  const std::vector<Completion> open = completions(problem, well);
  check(!open.empty(), "well in {}, which is inactive: put it into an active one", place);
  check(std::isfinite(well.value), "well in {}: value is {}", place, well.value);
  const bool needs_radius = well.control == Well::Control::pressure;
  check(std::isfinite(well.radius) && well.radius >= 0 && (well.radius > 0 || !needs_radius),
        "well in {}: radius is {}; a well of given pressure needs one above zero", place, well.radius);
  for (const Completion& c : open) {
    const double widest = equivalent_radius(problem, well, c.layer);
    check(well.radius < widest, "well in {}: radius is {}; it must be below {:.6g}, a fifth of its cell",
          place, well.radius, widest);
  }
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
    if (problem.active[c]) add(problem.source.values[c] * g.hx() * g.hy() * g.hz());
  }
  for (const Well& well : problem.wells) {
    if (well.control == Well::Control::rate) add(well.value);
  }
  for (Side side : sides_of(g)) {
    const BoundaryCondition& condition = problem.on(side);
    if (condition.type != BoundaryCondition::Type::flux) continue;
    for_each_face(g, side,
                  [&](const BoundaryFace& face) { add(-condition.values[face.position] * face.area); });
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

std::span<const Side> sides_of(const Grid& grid) {
  return {kSides.data(), grid.flat() ? 4U : 6U};
}

std::string name_of(Side side, const Grid& grid) {
  if (grid.flat() && side == Side::front) return "bottom";
  if (grid.flat() && side == Side::back) return "top";
  return kSideNames[static_cast<int>(side)];
}

std::optional<Side> side_named(const std::string& name, const Grid& grid) {
  for (Side side : sides_of(grid)) {
    if (name == name_of(side, grid) || name == kSideNames[static_cast<int>(side)]) return side;
  }
  return {};
}

const Field& Problem::across(Side side) const {
  return of_axis(axis_of(side), permeability, along_y(), along_z());
}

Range Problem::permeability_range() const {
  Range range = least_and_most(permeability.values, active);
  for (const Field* other : {&permeability_y, &permeability_z}) {
    if (other->values.empty()) continue;
    const Range r = least_and_most(other->values, active);
    range = {std::min(range.least, r.least), std::max(range.most, r.most), range.finite && r.finite};
  }
  return range;
}

bool Problem::pressure_is_free() const {
  const auto sides = sides_of(grid());
  return std::all_of(sides.begin(), sides.end(),
                     [&](Side side) { return on(side).type == BoundaryCondition::Type::flux; }) &&
         std::all_of(wells.begin(), wells.end(),
                     [](const Well& well) { return well.control == Well::Control::rate; });
}

double equivalent_radius(const Problem& problem, const Well& well, int layer) {
  const double ratio = problem.along_y()(well.i, well.j, layer) / problem.permeability(well.i, well.j, layer);
  const Grid& g = problem.grid();
  return 0.28 * std::sqrt(std::sqrt(ratio) * g.hx() * g.hx() + g.hy() * g.hy() / std::sqrt(ratio)) /
         (std::pow(ratio, 0.25) + std::pow(ratio, -0.25));
}

double well_index(const Problem& problem, const Well& well, int layer) {
  const double k =
      std::sqrt(problem.permeability(well.i, well.j, layer) * problem.along_y()(well.i, well.j, layer));
  return 2 * std::numbers::pi * k * problem.grid().hz() /
         std::log(equivalent_radius(problem, well, layer) / well.radius);
}

std::vector<Completion> completions(const Problem& problem, const Well& well) {
  std::vector<Completion> open;
  double total = 0.0;
  for (int k = well.first_layer; k <= well.last_layer; ++k) {
    const std::size_t cell = problem.grid().index(well.i, well.j, k);
    if (!problem.active[cell]) continue;
    const double transmissivity =  // of the layer, over the same thickness in each
        std::sqrt(problem.permeability.values[cell] * problem.along_y().values[cell]);
    open.push_back({cell, k, well.radius > 0 ? well_index(problem, well, k) : 0.0, transmissivity});
    total += transmissivity;
  }
  for (Completion& c : open) c.share = open.size() == 1 ? 1.0 : c.share / total;
  return open;
}

void check_problem(const Problem& problem) {
  const Grid& g = problem.grid();
  check_permeability(problem.permeability, "permeability", problem.active);
  for (const auto& [other, name] : {std::pair{&problem.permeability_y, "permeability along y"},
                                    std::pair{&problem.permeability_z, "permeability along z"}}) {
    if (other->values.empty()) continue;
    check_permeability(*other, name, problem.active);
    check(other->grid == g, "{} is on a grid of {}, along x on {}", name, other->grid.resolution(),
          g.resolution());
  }
  check(problem.source.grid == g && problem.source.values.size() == g.cells(),
        "source is on a grid of {}, permeability on {}", problem.source.grid.resolution(), g.resolution());
  for (std::size_t c = 0; c < g.cells() && !least_and_most(problem.source.values).finite; ++c) {
    check(std::isfinite(problem.source.values[c]), "source is {} in cell {}; it must be finite",
          problem.source.values[c], g.cell(c));
  }
  for (Side side : sides_of(g)) check_boundary(problem, side);
  for (const Well& well : problem.wells) check_well(problem, well);
  check_regions(problem);
  if (!problem.pressure_is_free()) return;
  const auto [net, size] = prescribed_inflow(problem);
  check(std::abs(net) <= 1e-10 * size,
        "no pressure is prescribed anywhere and {:.6g} flows in more than out: balance the rates, or give a "
        "side or a well a pressure",
        net);
}

double prescribed_injection(const Problem& problem) {
  const auto [net, size] = prescribed_inflow(problem);
  return 0.5 * (net + size);
}

BoundaryCondition constant_boundary(const Grid& grid, Side side, BoundaryCondition::Type type, double value) {
  return {type, std::vector<double>(faces_of(grid, side), value)};
}

Problem make_problem(const std::string& problem_name, Field permeability, CellMask active) {
  using Type = BoundaryCondition::Type;
  check_permeability(permeability, "solve", active);
  const KnownProblem known = data_of(problem_name);
  const Grid grid = permeability.grid;
  Problem problem{std::move(permeability), Field(grid, known.source), {}, {}, {}, std::move(active)};
  for (Side side : sides_of(grid)) {
    const AxisEnd& end = axis_of(side) == Axis::z ? known.top_and_bottom : known.ends[static_cast<int>(side)];
    problem.on(side) = constant_boundary(
        grid, side, end.kind == AxisEnd::Kind::value ? Type::pressure : Type::flux, end.value);
  }
  if (known.corner_rate != 0.0) {
    const int last = grid.nz - 1;
    problem.wells.push_back({0, 0, Well::Control::rate, known.corner_rate, 0.0, 0, last});
    problem.wells.push_back(
        {grid.nx - 1, grid.ny - 1, Well::Control::rate, -known.corner_rate, 0.0, 0, last});
  }
  return problem;
}

Problem flow_along(Axis axis, const Problem& rock) {
  Problem problem = rock;
  const Grid& grid = problem.grid();
  for (Side side : sides_of(grid)) {
    const bool along = axis_of(side) == axis;
    problem.on(side) = constant_boundary(
        grid, side, along ? BoundaryCondition::Type::pressure : BoundaryCondition::Type::flux,
        along && !at_end(side) ? 1.0 : 0.0);
  }
  return problem;
}

}  // namespace mano
