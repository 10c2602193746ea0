#pragma once
// Moving fields between grids of the same domain, one axis at a time. Values keep their location (cell or node).

#include <array>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/field.hpp"

namespace mano {

/// Target point t of an axis takes offset[t] + the sum over terms[t] of weight * source.
struct AxisMap {
  struct Term {
    int source = 0;
    double weight = 0.0;
  };
  int sources = 0;
  std::vector<std::vector<Term>> terms;
  std::vector<double> offset;

  int targets() const { return static_cast<int>(terms.size()); }
};

/// How a field goes on from its outermost cell centre to the boundary, half a cell away.
struct AxisEnd {
  enum class Kind {
    extrapolate,  ///< linearly
    value,        ///< linearly to the value that is prescribed on the boundary
    mirror        ///< constant: nothing flows through the boundary
  };
  Kind kind = Kind::extrapolate;
  double value = 0.0;
};
using Ends = std::array<AxisEnd, 4>;  ///< left, right, bottom, top

/// Linear interpolation from n_source to n_target points. Ends other than `extrapolate` are for cells only.
AxisMap interpolation_map(int n_source, int n_target, Location location, AxisEnd low = {}, AxisEnd high = {});

/// cell: the mean over each target cell, overlaps weighted by length, so that the integral is kept; constant within a source
/// cell where the target is finer. node: linear at the target's nodes, plain subsampling where the sizes divide, constant
/// beyond the last one.
AxisMap restriction_map(int n_source, int n_target, Location location);

/// Along x, then along y: from [along_y.sources, along_x.sources] to [along_y.targets(), along_x.targets()], row after row; of float or double.
template <typename S>
void apply(const AxisMap& along_x, const AxisMap& along_y, const S* from, S* to);
Field apply(const AxisMap& along_x, const AxisMap& along_y, const Field& field);

/// Coefficient on another grid by restriction_map() in both directions.
Field restrict_to(const Field& fine, const Resolution& coarse, Location location);

/// Bilinear interpolation at the points of another grid by interpolation_map().
Field interpolate_to(const Field& field, const Resolution& target, Location location, const Ends& ends = {});

// With inactive cells, at cells: the same by the weights of active cells alone; 0 where no weight is.
Field restrict_to(const Field& fine, const CellMask& active, const Resolution& coarse);
Field interpolate_to(const Field& field, const CellMask& active, const Resolution& target, const Ends& ends);

}  // namespace mano
