#pragma once
// The solver as datasets use it: solved and verified.

#include <string>

#include "datagen/generator.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/verification.hpp"

namespace mano {

/// Solves and says in `rejection` why the solution must not be stored: not converged, true residual
/// above the tolerance, not finite, outside the maximum principle.
VerifiedSolution verified_solve(DarcySolver& solver, const Problem& problem);

}  // namespace mano
