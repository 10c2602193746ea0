#pragma once
// Intervals from errors on fields that were not trained on (split conformal prediction, V. Vovk et al., Algorithmic Learning in a Random
// World (2005)). The points of all fields are pooled; those of one field are alike, so that it is the number of fields that counts.
// No Torch.

#include <optional>
#include <vector>

#include "core/cell_mask.hpp"

namespace mano {

/// How far predictions at one resolution were off, on the held-out part of training or on the fields of 'mano calibrate'. An interval is to cover the stated fraction of the points of new fields that are like those; at a resolution
/// without one nothing is promised.
struct Calibration {
  Resolution resolution;
  std::size_t fields = 0;
  double half_width = 0.0;   ///< quantile of |error| over the prediction's rms, over all points of all fields
  double relative_l2 = 0.0;  ///< conformal quantile of the fields' relative L2 error
};
inline constexpr double kCoverage = 0.9;  ///< that intervals and quantiles are for

/// The value that a new one exceeds with probability 1 - coverage at most, where all are exchangeable: of n values the
/// ceil((n + 1) coverage)-th smallest, or the largest where there are too few.
double conformal_quantile(std::vector<double> values, double coverage);

/// Fewer fields than this calibrate nothing: the quantile would be the largest error, whatever the coverage.
inline constexpr std::size_t kFewestFields = 10;

/// Collects errors at one resolution.
class ErrorCollector {
 public:
  void add(const Field& prediction, const Field& solution, const CellMask& active = {});
  std::size_t fields() const { return fields_.size(); }
  double mean_l2() const;
  /// Empty with fewer than kFewestFields.
  std::optional<Calibration> calibration(const Resolution& resolution) const;

 private:
  std::vector<double> fields_;  // relative L2
  std::vector<double> points_;  // |error| over the prediction's rms
};

}  // namespace mano
