#pragma once
// Displacement of one fluid by another through rock: incompressible, immiscible, without gravity and capillary pressure.
//
//   -div(lambda(S) k grad p) = q,   u = -lambda(S) k grad p       (displacement/total_flow.hpp)
//   phi dS/dt + div(f(S) u) = q_i                                  (displacement/transport.hpp)
//
// The rock is full of the displaced fluid and the residual of the injected one. Whatever enters, by wells, sides or sources, is the
// injected fluid; what leaves is what the cell holds, by fractional flow.
//
// Time is counted in pore volumes injected: tau = (volume injected) / (pore volume of the active cells). A step is sequential: transport
// with the flow at its beginning, the flow at the saturation that this gives, and transport once more with the mean of both flows: of
// second order in the step. (K. Aziz and A. Settari, Petroleum Reservoir Simulation (1979), chapter 5; the mean is Heun's method.)
// Steps are chosen by how much the saturation changes.

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "displacement/curve.hpp"
#include "displacement/fluids.hpp"
#include "displacement/total_flow.hpp"
#include "displacement/transport.hpp"
#include "solver/flow.hpp"
#include "solver/problem.hpp"

namespace mano {

/// What is simulated. Units: any consistent system, or those that core/units.hpp turns into one.
struct Displacement {
  Problem problem;  ///< k over the viscosity of the injected fluid
  Field
      pore;  ///< pore volume per area (porosity at unit thickness), not negative, above zero somewhere; anything in inactive cells
  Fluids fluids;
};

struct SimulationOptions {
  std::vector<double>
      snapshots;  ///< times in pore volumes injected, rising, above zero; the run ends with the last
  TransportScheme transport = TransportScheme::theta;
  /// Change of saturation in a step, root mean square, over that of the saturation itself (its mobile part, weighted by pore volume).
  /// A fifth of it bounds the change of the cut.
  double step_tolerance = 0.5;
  double longest_step = 0.05;  ///< in pore volumes injected
  /// Steps of the flow are divided for transport until nine cells in ten have at most this Courant number (displacement/transport.hpp).
  double courant = 2.0;
  double first_step = 0.0;            ///< the same; 0 is a short one for step_tolerance
  double pressure_tolerance = 1e-10;  ///< relative residual of the snapshots' pressures
  TotalFlow::Spare spare = {};
  std::vector<double> steps = {};  ///< instead of chosen ones; must meet the snapshots
  std::function<void(double tau)> progress = {};
  std::function<bool(const CurvePoint& now)> enough =
      {};  ///< ends the run early, without the snapshots that are left
};

struct Snapshot {
  CurvePoint at;
  Field saturation;  ///< of the injected fluid; 0 in inactive cells
  Field pressure;    ///< 0 in inactive cells
  CellFlux flux;     ///< of both fluids
};

struct SimulationResult {
  std::vector<Snapshot> snapshots;
  std::vector<CurvePoint> curve;  ///< at the start, and wherever transport halts
  std::vector<double> steps;      ///< in pore volumes injected
  double breakthrough =
      0.0;  ///< pore volumes injected when the cut reaches kBreakthroughCut, by interpolation; not a number where it does not
  double mass_balance_error =
      0.0;  ///< largest of a step: |change of the injected fluid in place - in + out| / in
  double pore_volume = 0.0;
  int pressure_solves = 0;
  int cycles = 0;
  std::size_t transport_passes = 0;
};

/// Throws InvalidInput for problems that check_problem() refuses, pore volumes or fluids that cannot be, times that do not rise, and where
/// nothing is injected; RunFailed where a solver gives up.
SimulationResult simulate(const Displacement& displacement, const SimulationOptions& options);

/// `count` equal times up to `last`.
std::vector<double> equal_times(double last, int count);

}  // namespace mano
