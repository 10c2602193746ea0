#pragma once
// A displacement on a coarser grid: the cheap simulation that any surrogate must beat.
//
// A coarse cell is factor x factor fine ones. It takes the geometric mean of their permeability (exact for isotropic
// random rock in two dimensions: G. Matheron 1967), the sum of their pore volume, and is active where any of them is. Wells stay where
// they are; sides take means of what is prescribed along them.

#include <vector>

#include "displacement/simulator.hpp"

namespace mano {

/// Throws InvalidInput for a factor below 1, or one that does not divide the grid.
Displacement coarsened(const Displacement& fine, int factor);

/// A saturation of the coarse grid on the fine one: linear in each coarse cell, with slopes that make no new extremes (B. van Leer, J. Comput.
/// Phys. 32 (1979)), so that each coarse cell holds as much fluid as before; 0 in inactive cells.
Field refine_saturation(const Displacement& fine, const Displacement& coarse, const Field& saturation);

/// simulate() on the coarser grid; saturations and pressures of the snapshots on the fine one, the latter bilinear, without fluxes. Curves are
/// those of the coarse grid.
SimulationResult simulate_coarse(const Displacement& fine, const SimulationOptions& options, int factor);

}  // namespace mano
