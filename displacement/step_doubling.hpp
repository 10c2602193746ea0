#pragma once
// How far a simulation is from the limit of small steps on its own grid: the same run once more with steps twice as long, in the flow and
// in transport. The difference is the error estimate: an upper bound where halving a step at least halves the error, and three times the
// error where it is of second order.
//
// Source: E. Hairer, S. P. Norsett and G. Wanner, Solving Ordinary Differential Equations I (1993), section II.4.

#include "displacement/simulator.hpp"

namespace mano {

struct StepError {
  std::vector<double>
      saturation;  ///< relative L2 of the saturation's change since the start, one a snapshot, weighted by pore volume
  double cut = 0.0;  ///< largest absolute difference over the snapshots
  double recovery = 0.0;
};

/// `result` must be that of simulate() with the same displacement and options. Costs about half of that run. Explicit transport keeps its own
/// sub-steps: there the estimate is of the flow's steps alone.
StepError estimate_step_error(const Displacement& displacement, const SimulationOptions& options,
                              const SimulationResult& result);

/// |a - b| / |b - residual| over active cells, weighted by pore volume.
double saturation_difference(const Displacement& displacement, const Field& a, const Field& b);

}  // namespace mano
