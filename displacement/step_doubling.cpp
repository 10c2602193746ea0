#include "displacement/step_doubling.hpp"

#include <algorithm>
#include <cmath>

namespace mano {

namespace {

// Pairs of steps joined, but for those that a snapshot parts.
std::vector<double> doubled(const std::vector<double>& steps, const std::vector<double>& snapshots) {
  std::vector<double> joined;
  double tau = 0.0;
  bool open = false;  // the last one may take one more
  std::size_t next = 0;
  for (double step : steps) {
    if (open) {
      joined.back() += step;
    } else {
      joined.push_back(step);
    }
    tau += step;
    open = !open;
    if (next < snapshots.size() && tau >= snapshots[next] * (1 - 1e-9)) {
      tau = snapshots[next++];
      open = false;
    }
  }
  return joined;
}

}  // namespace

double saturation_difference(const Displacement& d, const Field& a, const Field& b) {
  double difference = 0.0;
  double size = 0.0;
  const double start = d.fluids.injected_residual;
  for (std::size_t c = 0; c < a.values.size(); ++c) {
    if (!d.problem.active[c]) continue;
    difference += d.pore.values[c] * (a.values[c] - b.values[c]) * (a.values[c] - b.values[c]);
    size += d.pore.values[c] * (b.values[c] - start) * (b.values[c] - start);
  }
  return size > 0 ? std::sqrt(difference / size) : 0.0;
}

StepError estimate_step_error(const Displacement& displacement, const SimulationOptions& options,
                              const SimulationResult& result) {
  SimulationOptions twice = options;
  twice.steps = doubled(result.steps, options.snapshots);
  twice.courant = 2 * options.courant;
  const SimulationResult coarse = simulate(displacement, twice);
  StepError error;
  for (std::size_t i = 0; i < result.snapshots.size(); ++i) {
    const Snapshot& fine = result.snapshots[i];
    const Snapshot& other = coarse.snapshots[i];
    error.saturation.push_back(saturation_difference(displacement, other.saturation, fine.saturation));
    error.cut = std::max(error.cut, std::abs(other.at.cut - fine.at.cut));
    error.recovery = std::max(error.recovery, std::abs(other.at.recovery - fine.at.recovery));
  }
  return error;
}

}  // namespace mano
