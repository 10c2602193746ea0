#pragma once
// The solver as datasets use it: solved and verified.

#include <string>

#include "datagen/generator.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

/// Solves and says in `rejection` why the solution must not be stored: not converged, true residual
/// above the tolerance, not finite, outside the maximum principle.
VerifiedSolution verified_solve(DarcySolver& solver, const Problem& problem);

/// Why a pressure must not be stored; empty where it may.
std::string rejection_of(const Problem& problem, const Field& pressure, double tolerance);

}  // namespace mano
