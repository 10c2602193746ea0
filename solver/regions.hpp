#pragma once
// Regions: active cells that are joined through their faces, or by a bore open in several layers. Each needs something that fixes its pressure.
//
//   held     a side or a well prescribes a pressure in it
//   driven   it is not held, but has a well
//   island   neither
//
// Where a region is held, all must be. Where none is, pressure is free up to a constant, and there may be one region only; but where
// nothing drives a flow, any number.

#include <cstddef>
#include <vector>

#include "solver/problem.hpp"

namespace mano {

struct Region {
  std::size_t first = 0;  ///< its first cell, in the order of the field
  std::size_t cells = 0;
  bool held = false;
  bool has_well = false;
};

struct Regions {
  std::vector<int> number;  ///< [nz, ny, nx], index into `list`; -1 in inactive cells
  std::vector<Region> list;
};
Regions regions_of(const Problem& problem);

/// Throws InvalidInput naming a cell of a region whose pressure nothing fixes.
void check_regions(const Problem& problem);

/// Makes islands inactive; where nothing is held and no region has a well, all but the largest. Returns the number of cells. Regions that
/// are driven stay: check_regions() refuses them.
std::size_t drop_islands(Problem& problem);

}  // namespace mano
