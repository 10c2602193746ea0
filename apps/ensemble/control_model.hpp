#pragma once
// Which surrogate may stand below the solver of an ensemble, and on which grids.

#include <vector>

#include "apps/ensemble/level_solver.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

/// Throws InvalidInput for a model of another problem, domain or location than that of the quantities, rock that it does not take, and
/// quantities of more than one flow, since a model has learned one.
void check_control_model(const Surrogate& surrogate, const EnsembleSetup& setup, const Grid& finest);

/// Levels of `grids` up to `finest` on which the model predicts at all, those of at most 64x64 cells: beyond, the solver's own coarse
/// grids leave nothing to save.
std::vector<int> control_levels(const Surrogate& surrogate, const std::vector<Grid>& grids, int finest);

}  // namespace mano
