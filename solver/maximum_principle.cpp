#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/error.hpp"
#include "solver/stencil.hpp"

namespace mano {

namespace {

struct Data {  // what drives the flow
  double lowest_pressure = std::numeric_limits<double>::infinity();
  double highest_pressure = -std::numeric_limits<double>::infinity();
  bool all_pressure = true;
  double lowest_inflow = 0.0;  // over sources and flux faces
  double highest_inflow = 0.0;
};

Data driving_data(const Problem& problem) {
  Data data;
  data.all_pressure = problem.active.all();  // an inactive cell's faces are closed
  for (Side side : sides_of(problem.grid())) {
    const auto& condition = problem.on(side);
    const auto [low, high] = std::minmax_element(condition.values.begin(), condition.values.end());
    if (condition.type == BoundaryCondition::Type::pressure) {
      data.lowest_pressure = std::min(data.lowest_pressure, *low);
      data.highest_pressure = std::max(data.highest_pressure, *high);
    } else {
      data.all_pressure = false;
      data.lowest_inflow = std::min(data.lowest_inflow, -*high);
      data.highest_inflow = std::max(data.highest_inflow, -*low);
    }
  }
  for (const Well& well : problem.wells) {
    if (well.control == Well::Control::pressure) {
      data.lowest_pressure = std::min(data.lowest_pressure, well.value);
      data.highest_pressure = std::max(data.highest_pressure, well.value);
    } else {
      data.lowest_inflow = std::min(data.lowest_inflow, well.value);
      data.highest_inflow = std::max(data.highest_inflow, well.value);
      data.all_pressure = data.all_pressure && well.value <= 0;  // the bound below knows areal sources alone
    }
  }
  const Range source = least_and_most(problem.source.values);
  data.lowest_inflow = std::min(data.lowest_inflow, source.least);
  data.highest_inflow = std::max(data.highest_inflow, source.most);
  return data;
}

// Without pressure sides: the extremes lie in cells that receive or give fluid.
std::string violation_of_free_pressure(const Problem& problem, const Field& p, double slack) {
  const Stencil stencil(problem);
  double highest_fed = -std::numeric_limits<double>::infinity();
  double lowest_drained = std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < p.values.size(); ++c) {
    if (stencil.rhs[c] > 0) highest_fed = std::max(highest_fed, p.values[c]);
    if (stencil.rhs[c] < 0) lowest_drained = std::min(lowest_drained, p.values[c]);
  }
  const auto [low, high, finite] = least_and_most(p.values, problem.active);
  if (!std::isfinite(highest_fed) || !std::isfinite(lowest_drained)) return "";
  if (high > highest_fed + slack)
    return fmt::format("pressure {} exceeds {} at the injection", high, highest_fed);
  if (low < lowest_drained - slack)
    return fmt::format("pressure {} is below {} at the producer", low, lowest_drained);
  return "";
}

}  // namespace

std::string maximum_principle_violation(const Problem& problem, const Field& p) {
  const auto [low, high, finite] = least_and_most(p.values, problem.active);
  for (std::size_t c = 0; c < p.values.size() && !finite; ++c) {
    if (problem.active[c] && !std::isfinite(p.values[c]))
      return fmt::format("pressure is {} in cell {}", p.values[c], problem.grid().cell(c));
  }
  const Data data = driving_data(problem);
  const double slack = 1e-8 * (std::max({std::abs(low), std::abs(high)}) + 1e-300);
  if (problem.pressure_is_free()) return violation_of_free_pressure(problem, p, slack);

  if (data.lowest_inflow >= 0 && low < data.lowest_pressure - slack) {
    return fmt::format("pressure {} is below the lowest boundary pressure {}", low, data.lowest_pressure);
  }
  if (data.highest_inflow <= 0 && high > data.highest_pressure + slack) {
    return fmt::format("pressure {} is above the highest boundary pressure {}", high, data.highest_pressure);
  }
  // Talenti's bound is that of two dimensions.
  if (data.all_pressure && data.highest_inflow > 0 && problem.grid().flat()) {
    const double least = problem.permeability_range().least;
    const double bound = data.highest_pressure + problem.grid().lx * problem.grid().ly * data.highest_inflow /
                                                     (2 * std::numbers::pi * least);
    if (high > bound + slack) return fmt::format("pressure {} is above the bound {}", high, bound);
  }
  return "";
}

}  // namespace mano
