#include "surrogate/trust/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/norms.hpp"

namespace mano {

double conformal_quantile(std::vector<double> values, double coverage) {
  const double n = static_cast<double>(values.size());
  const auto rank = static_cast<std::size_t>(std::ceil((n + 1) * coverage - 1e-9));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size())) - 1;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void ErrorCollector::add(const Field& prediction, const Field& solution, const CellMask& active) {
  fields_.push_back(
      relative_l2(with_inactive(prediction, active, 0.0), with_inactive(solution, active, 0.0)));
  const double rms = root_mean_square(active_values(prediction, active));
  for (double e : active_values(difference(prediction, solution), active))
    points_.push_back(std::abs(e) / rms);
}

double ErrorCollector::mean_l2() const {
  return std::accumulate(fields_.begin(), fields_.end(), 0.0) / static_cast<double>(fields_.size());
}

std::optional<Calibration> ErrorCollector::calibration(const Resolution& resolution) const {
  if (fields_.size() < kFewestFields) return std::nullopt;
  return Calibration{resolution, fields_.size(), conformal_quantile(points_, kCoverage),
                     conformal_quantile(fields_, kCoverage)};
}

}  // namespace mano
