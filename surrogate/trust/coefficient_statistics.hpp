#pragma once
// What a permeability field is like, in six numbers, and whether it is like those that a model was trained on. No Torch.
//
//   log_least, log_most     least and largest ln k
//   log_variance            of ln k over the field
//   correlation_x, _y       lag, over the domain's length, at which the two-point correlation of ln k falls below 1/e
//                           (linear between lags; 1/2 where it does not within half the domain)
//   variation               sum of |jump of ln k| along a row, mean over rows, and the same of columns, added: density of
//                           interfaces, weighted by their jump
//
// All are dimensionless. All but the first two are taken at a model's training resolution, at whose points finer fields are sampled, so
// that a finer grid alone is nothing new. (Averages would not do: of a rough field they vary less than its points.) Of a coarser field
// than training's the first two alone can be compared.

#include <array>
#include <string>
#include <vector>

#include "core/field.hpp"

namespace mano {

inline constexpr std::array<const char*, 6> kCoefficientStatistics{
    "log_least", "log_most", "log_variance", "correlation_x", "correlation_y", "variation"};
using CoefficientStatistics = std::array<double, kCoefficientStatistics.size()>;

/// Of the rock `permeability`, its inactive cells (0) left out, sampled at `resolution` where it is finer in a direction.
CoefficientStatistics coefficient_statistics(const Field& permeability, const Resolution& resolution,
                                             Location location);

/// Least and most of each over the fields of training; empty for a model that does not know.
struct CoefficientRanges {
  CoefficientStatistics least{}, most{};
  std::size_t fields = 0;

  void add(const CoefficientStatistics& s);
  /// What of the first `count` statistics lies outside the ranges, widened by a fifth of their width on either side, in words; empty where
  /// nothing does.
  std::vector<std::string> outside(const CoefficientStatistics& s,
                                   std::size_t count = kCoefficientStatistics.size()) const;
};

}  // namespace mano
