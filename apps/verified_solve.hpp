#pragma once
// The solver as datasets use it: one rank, solved and verified.

#include <string>

#include "datagen/generator.hpp"
#include "solver/problem.hpp"

namespace mano {

/// Solves on this rank alone and says in `rejection` why the solution must not be stored: not converged, true residual
/// above the tolerance, not finite, outside the maximum principle.
VerifiedSolution verified_solve(const Problem& problem, double tolerance);

/// Why a pressure must not be stored; empty where it may.
std::string rejection_of(const Problem& problem, const Field& pressure, double tolerance);

}  // namespace mano
