#pragma once
// A cheaper model of an ensemble's quantities, that may stand below the solver: a trained network, of pressures or of displacements, or the
// first guess of a displacement (displacement/first_guess.hpp), which needs no training.

#include <memory>
#include <string>
#include <vector>

#include "apps/ensemble/level_solver.hpp"
#include "apps/workflow/cycle_options.hpp"

namespace mano {

class ControlModel {
 public:
  virtual ~ControlModel() = default;
  /// One number a quantity for each rock, all on the grid of `solver`; 0 where the model has no number. Throws InvalidInput for a grid that
  /// is too coarse for it.
  virtual std::vector<std::vector<double>> values(LevelSolver& solver,
                                                  const std::vector<Sample>& rocks) const = 0;
};

/// In place of the name of a run.
inline constexpr const char* kFirstGuess = "first-guess";

struct ControlModelOptions {
  std::string model;  ///< RUN folder, checkpoint or kFirstGuess
  std::string device;
  CycleOptions cycles;
  std::string displacement_problem;  ///< of quantities of Flow::displacement
  /// The same with wells of each sample's own, for models that know such, and the wells.
  std::string displacement_with_own_wells;
  std::vector<std::string> wells;
};

/// Throws InvalidInput for a model of another problem, domain, location or range of times than that of the quantities, rock that it does not
/// take, and quantities of more than one flow, since a model knows one.
std::unique_ptr<ControlModel> open_control_model(const ControlModelOptions& options,
                                                 const EnsembleSetup& setup, const Grid& finest);

/// Levels of `grids` up to `finest` on which the model predicts at all, those of at most 64x64 cells: beyond, the solver's own coarse
/// grids leave nothing to save.
std::vector<int> control_levels(const ControlModel& model, const EnsembleSetup& setup,
                                const std::vector<Grid>& grids, int finest);

}  // namespace mano
