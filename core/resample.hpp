#pragma once
// Moving fields between grids of the same domain. Values keep their location (cell or node).

#include "core/field.hpp"

namespace mano {

/// Coefficient of a coarser grid.
/// cell: the mean over each coarse cell, overlaps weighted by area, so that the integral is kept.
/// node: bilinear at the coarse nodes, which is plain subsampling where the sizes divide.
Field restrict_to(const Field& fine, const Resolution& coarse, Location location);

/// Bilinear interpolation at the points of another grid; linear extrapolation beyond the outermost points,
/// so that fields linear in x and y are reproduced exactly everywhere.
Field interpolate_to(const Field& field, const Resolution& target, Location location);

}  // namespace mano
