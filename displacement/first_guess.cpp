#include "displacement/first_guess.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "displacement/residence_times.hpp"
#include "solver/time_of_flight.hpp"

namespace mano {

FirstGuess::FirstGuess(const Fluids& fluids) : fractional_(fluids), profile_(fractional_) {}

FirstGuess::Arrival FirstGuess::arrival(const Displacement& d, double until) const {
  constexpr double kTolerance = 1e-3;  // far below what one flow for all times leaves out
  const Grid& grid = d.problem.grid();
  TotalFlow flow(d.problem);
  std::vector<double> pore(grid.cells()), lambda(grid.cells(), fractional_.mobility(0.0));
  const double whole = pore_volume(d.problem, d.pore);
  for (std::size_t c = 0; c < pore.size(); ++c) {
    pore[c] = d.problem.active[c] ? d.pore.values[c] * grid.hx() * grid.hy() : 0.0;
  }
  const auto in_flow = [&] {
    flow.solve(lambda, kTolerance);
    check(flow.flows().inflow() > 0,
          "nothing is injected: the problem has neither a well, a side nor a source through which fluid "
          "enters");
    const UpstreamOrder order(flow.connections(), flow.flows());
    ResidenceTimes times = residence_times(order, pore);
    const double pore_volumes_a_time = flow.flows().inflow() / whole;
    for (double& time : times.mean) time *= pore_volumes_a_time;
    Arrival found{d.problem.active, grid, std::move(times.mean), std::move(times.tanks),
                  flow.flows().out, pore, flow.pressure()};
    const double outflow = flow.flows().outflow();
    for (double& out : found.out) out /= outflow;
    for (double& part : found.pore) part /= whole;
    return found;
  };
  const Arrival first = in_flow();
  const Field halfway = saturation(first, 0.5 * until);
  for (std::size_t c = 0; c < lambda.size(); ++c) {
    if (d.problem.active[c]) lambda[c] = fractional_.mobility(fractional_.mobile_part(halfway.values[c]));
  }
  return in_flow();
}

Field FirstGuess::saturation(const Arrival& arrival, double pore_volumes) const {
  Field saturation(arrival.grid);
  for (std::size_t c = 0; c < saturation.values.size(); ++c) {
    if (!arrival.active[c]) continue;
    const double theta = pore_volumes / (arrival.time[c] * fractional_.mobile());
    saturation.values[c] = fractional_.saturation(profile_.at(arrival.tanks[c], theta));
  }
  return saturation;
}

double FirstGuess::cut(const Arrival& arrival, const Field& saturation) const {
  double cut = 0.0;
  for (std::size_t c = 0; c < arrival.out.size(); ++c) {
    const double s = std::clamp(fractional_.mobile_part(saturation.values[c]), 0.0, 1.0);
    if (arrival.out[c] > 0) cut += arrival.out[c] * fractional_.flow(s);
  }
  return cut;
}

double FirstGuess::recovery(const Arrival& arrival, const Field& saturation) const {
  const double at_start = fractional_.saturation(0.0);
  double in_place = 0.0;
  for (std::size_t c = 0; c < arrival.pore.size(); ++c)
    in_place += arrival.pore[c] * (saturation.values[c] - at_start);
  return in_place / (1.0 - at_start);
}

}  // namespace mano
