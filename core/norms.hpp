#pragma once
// Errors of one field against another on the same grid.
//
//   relative L2   |a - b| / |b|,  |.|^2 = sum of squares over grid points
//   relative H1   sqrt(|e|^2 + |grad e|^2) / sqrt(|b|^2 + |grad b|^2),  e = a - b,
//                 grad by differences of neighbouring points over their distance, hx and hy
//   relative MSE  (relative L2)^2
// All are dimensionless, except that H1 weighs gradients in the unit of length of the grid.

#include <vector>

#include "core/cell_mask.hpp"
#include "core/field.hpp"

namespace mano {

/// a - b, point by point. Throws InvalidInput where the grids differ.
Field difference(const Field& a, const Field& b);

/// |a - b| / |b|. Throws InvalidInput where the grids differ.
double relative_l2(const Field& a, const Field& b);
/// The same over all fields of two lists of one length: a history's, over space and time.
double relative_l2(const std::vector<Field>& a, const std::vector<Field>& b);
double relative_h1(const Field& a, const Field& b);
/// Of the active cells, and gradients between two of them, alone.
double relative_h1(const Field& a, const Field& b, const CellMask& active);
double largest_error(const Field& a, const Field& b);

/// Makes the mean zero: pressures that a problem leaves free up to a constant.
void subtract_mean(std::vector<double>& values);
void subtract_mean(std::vector<double>& values,
                   const CellMask& active);  ///< of and in the active cells alone

/// sqrt(mean of squares)
double root_mean_square(const std::vector<double>& values);

/// Part of the points where |a - b| <= width.
double covered_part(const Field& a, const Field& b, double width, const CellMask& active = {});

struct ErrorSummary {
  double mean = 0.0;
  double median = 0.0;
  double max = 0.0;
};

ErrorSummary summarize(std::vector<double> errors);

}  // namespace mano
