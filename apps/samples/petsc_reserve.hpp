#pragma once
// PETSc where it is seldom needed: started at the first call, once in a process, and ended with it.

#include "datagen/generator.hpp"
#include "solver/problem.hpp"

namespace mano {

/// By PETSc's chain on this process alone, one call at a time. Throws MissingPart without PETSc, RunFailed in a process that was forked
/// after PETSc had been started: MPI does not survive that.
VerifiedSolution solve_with_petsc(const Problem& problem, double tolerance);

/// Its pressure, by the verification: throws RunFailed where that rejects it.
Field pressure_with_petsc(const Problem& problem, double tolerance);

/// Whether solve_with_petsc() has started PETSc in this process or the one that it was forked from.
bool petsc_is_running();

}  // namespace mano
