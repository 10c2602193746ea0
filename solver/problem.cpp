#include "solver/problem.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace mano {

bool Problem::pressure_is_free() const {
  return std::all_of(boundary.begin(), boundary.end(),
                     [](const auto& condition) { return condition.type == BoundaryCondition::Type::flux; });
}

BoundaryCondition constant_boundary(const Grid& grid, Side side, BoundaryCondition::Type type, double value) {
  const bool vertical = side == Side::left || side == Side::right;
  return {type, std::vector<double>(vertical ? grid.ny : grid.nx, value)};
}

Problem make_problem(const std::string& setup, Field permeability) {
  using Type = BoundaryCondition::Type;
  check_permeability(permeability, "solve");
  const Grid grid = permeability.grid;
  Problem problem{std::move(permeability), Field(grid), {}};
  const auto set_all = [&](Type type, double value) {
    for (Side side : kSides) problem.on(side) = constant_boundary(grid, side, type, value);
  };
  if (setup == "benchmark") {
    set_all(Type::pressure, 0.0);
    problem.source = Field(grid, 1.0);
  } else if (setup == "drive") {
    set_all(Type::flux, 0.0);
    problem.on(Side::left) = constant_boundary(grid, Side::left, Type::pressure, 1.0);
    problem.on(Side::right) = constant_boundary(grid, Side::right, Type::pressure, 0.0);
  } else if (setup == "five-spot") {
    set_all(Type::flux, 0.0);
    const double rate = 1.0 / (grid.hx() * grid.hy());
    problem.source(0, 0) += rate;
    problem.source(grid.nx - 1, grid.ny - 1) -= rate;
  } else {
    throw InvalidInput(fmt::format("set-up is '{}', expected benchmark, drive or five-spot", setup));
  }
  return problem;
}

}  // namespace mano
