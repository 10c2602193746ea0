#pragma once
// The quantities of one permeability on one grid: solved by mano's multigrid, verified, evaluated. What stays the same from sample to sample
// (conditions, wells, memory of the hierarchy) is made once, so that a small grid costs little more than its solve.

#include <memory>
#include <optional>
#include <vector>

#include "apps/ensemble/quantity.hpp"
#include "solver/correction.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

/// What the set-up of a problem depends on, shared by all grids.
struct EnsembleSetup {
  const FieldSource* source = nullptr;
  const FlowSource* flow = nullptr;  ///< of the quantities of Flow::own
  const FlowSource* rock =
      nullptr;  ///< "closed", consistent units: the rock that effective permeabilities are of
  std::vector<Quantity> quantities;
  double tolerance = 1e-10;      ///< of the relative residual
  Fluids fluids;                 ///< of the quantities of Flow::displacement
  SimulationOptions simulation;  ///< as simulation_of() returns it
};

/// Flows that the quantities need, each once: that along x is the own one where that is the problem `drive` as it is.
std::vector<Quantity::Flow> flows_of(const EnsembleSetup& setup);
Quantity::Flow flow_of(const Quantity& quantity, const EnsembleSetup& setup);

class LevelSolver {
 public:
  /// Throws InvalidInput for what does not fit the grid.
  LevelSolver(const EnsembleSetup& setup, const Grid& grid);

  /// One number a quantity, of the rock `sample`. Throws RunFailed naming the sample where no method solves it or a value is no number.
  std::vector<double> solve(const Sample& sample);

  /// Of the quantities of Flow::displacement, before anything moved.
  Displacement displacement(const Sample& sample);

  /// The same from pressures of whatever origin of the flow flows_of()[0], not verified.
  std::vector<double> evaluate(const Sample& sample, const Field& pressure);

 private:
  struct Solve {
    Quantity::Flow flow;
    Problem problem;
    Field ones_x, ones_y;  // what a permeability of 1 becomes
    std::unique_ptr<Corrector> corrector;
  };
  const Problem& problem_of(Solve& solve, const Sample& sample);
  Field pressure_of(Solve& solve, const Sample& sample);
  SimulationResult displaced(const Sample& sample);

  const EnsembleSetup* setup_;
  Grid grid_;
  bool masked_;
  std::vector<Solve> solves_;
  std::unique_ptr<DarcySolver> spare_;  // where the multigrid alone fails
};

}  // namespace mano
