#pragma once
// What can be asked of random rock, one number a sample:
//
//   effective-permeability, ...-x, ...-y   K = E L / (W dp^2), E = sum over faces of T (p_a - p_b)^2 = flow dp, of the flow that a pressure
//                                          drop dp = 1 drives along the length L through the width W, no flow through the other sides: as
//                                          `mano upscale`, in units of the permeability. In this form an error e of p counts as e^2.
//   pressure@X,Y                           at a point, bilinear between cell centres and to the sides
//   mean-pressure, largest-pressure        over the active cells
//   outflow@SIDE                           through left, right, bottom or top, positive outwards
//   rate@WELL, bhp@WELL                    of a well by its name: into the rock; pressure in the bore
//   recovery@Tpv, water-cut@Tpv            of the displacement that this flow drives (displacement/simulator.hpp), after T pore volumes injected
//   breakthrough                           pore volumes injected at a water cut of 1 %
//   mean-log-permeability                  mean of log k over the cells: known for lognormal rock, for tests

#include <string>
#include <vector>

#include "apps/options/flow_options.hpp"
#include "displacement/simulator.hpp"
#include "solver/problem.hpp"

namespace mano {

struct Quantity {
  enum class Kind {
    effective_x,
    effective_y,
    point_pressure,
    mean_pressure,
    largest_pressure,
    outflow,
    well_rate,
    well_pressure,
    recovery,
    water_cut,
    breakthrough,
    mean_log_permeability
  };
  /// Whose solution it is of.
  enum class Flow { none, own, along_x, along_y, displacement };

  std::string name;  ///< as it was asked for
  Kind kind = Kind::effective_x;
  double x = 0.0, y = 0.0;  ///< of the point
  Side side = Side::left;   ///< of the outflow
  std::size_t well = 0;     ///< by its place in the problem
  double time = 0.0;        ///< pore volumes injected

  Flow flow() const;
};

/// Throws InvalidInput for what is not understood, a point outside the domain, a side or well that there is not, a well whose quantity is
/// prescribed or unknown.
Quantity parse_quantity(const std::string& text, const FlowSource& flow, const Problem& problem);

/// Of the solution `pressure` of `problem`, consistent units but for what `units` turns. Throws RunFailed where it is not a number.
double value_of(const Quantity& quantity, const Problem& problem, const Field& pressure);

/// Of a displacement that went on until all quantities are known. Throws RunFailed where it is not a number.
double value_of(const Quantity& quantity, const SimulationResult& result);

/// Times, and when to stop, for the quantities of Flow::displacement among these. No time where there is none.
SimulationOptions simulation_of(const std::vector<Quantity>& quantities, SimulationOptions options);

/// Name of its unit, empty in consistent units.
std::string unit_of(const Quantity& quantity, const Units& units);

}  // namespace mano
