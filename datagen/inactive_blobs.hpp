#pragma once
// Random inactive cells: round blobs, the same in the domain at every resolution.

#include <cstdint>

#include "core/cell_mask.hpp"

namespace mano {

inline constexpr double kMostInactive = 0.5;  ///< beyond, hardly a field is still in one piece

/// Inactive where a Gaussian field of Matern's covariance (nu = 2, correlation length 0.15 of the domain's shorter side, in a volume
/// along z of its height) is above the level that leaves the part `fraction` of a reference grid of 64 cells along the shorter side, in a
/// volume with 16 layers, above it. Keyed by (seed, sample), by other random numbers than the permeability's. A field is drawn anew, up to 64
/// times, until on the reference grid, and on two coarser ones, the corner cells of the five-spot's wells are joined, so that the named
/// problems can be solved; the columns of these wells are active. Throws InvalidInput where none does, or where `fraction` is not in
/// (0, kMostInactive).
CellMask draw_inactive_blobs(double fraction, std::uint64_t seed, std::uint64_t sample, const Grid& grid);

}  // namespace mano
