#pragma once
// The matrix of solver/stencil.hpp applied to a vector, with the fast loops of krylov_kernels.hpp. Private to solver/.

#include "solver/krylov_kernels.hpp"
#include "solver/stencil.hpp"

namespace mano {

inline RowsOf all_rows(const Grid& grid) {
  return {grid.nx, grid.ny, grid.nz, 0, grid.ny};
}

/// What the kernels take of a stencil, which must outlive it.
Transmissibilities transmissibilities_of(const Stencil& stencil);

/// y += (diag(index) - index index^T / total) x for each bore; returns what this adds to x . y.
double add_bores(const Stencil& stencil, const double* x, double* y);

/// y = A x, bores included; x and y [nz, ny, nx].
void multiply(const Stencil& stencil, const double* x, double* y);

}  // namespace mano
