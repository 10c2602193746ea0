#include "surrogate/trust/coefficient_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/cell_mask.hpp"
#include "core/error.hpp"

namespace mano {

namespace {

// Values at the points of a coarser grid, each that of the fine point at it or next to it.
Field sampled(const Field& fine, const Resolution& to, Location location) {
  Field coarse({to.nx, to.ny, fine.grid.lx, fine.grid.ly});
  const double shift = location == Location::cell ? 0.5 : 0.0;
  const auto nearest = [&](int i, int coarse_points, int fine_points) {
    return static_cast<int>((i + shift) * fine_points / coarse_points);
  };
  for (int j = 0; j < to.ny; ++j) {
    for (int i = 0; i < to.nx; ++i)
      coarse(i, j) = fine(nearest(i, to.nx, fine.grid.nx), nearest(j, to.ny, fine.grid.ny));
  }
  return coarse;
}

// Two-point correlation of `v` (mean zero, `variance`) at `lag` columns or rows.
double correlation(const Field& v, double variance, int lag, bool along_x) {
  const Grid& g = v.grid;
  const int di = along_x ? lag : 0;
  const int dj = along_x ? 0 : lag;
  double sum = 0.0;
  double pairs = 0.0;
  for (int j = 0; j + dj < g.ny; ++j) {
    for (int i = 0; i + di < g.nx; ++i) {
      const double product = v(i, j) * v(i + di, j + dj);
      if (std::isnan(product)) continue;
      sum += product;
      ++pairs;
    }
  }
  return pairs > 0 ? sum / (pairs * variance) : 0.0;
}

double correlation_length(const Field& v, double variance, bool along_x) {
  const int n = along_x ? v.grid.nx : v.grid.ny;
  if (variance == 0.0) return 0.5;
  const double threshold = std::exp(-1.0);
  double before = 1.0;
  for (int lag = 1; lag <= n / 2; ++lag) {
    const double now = correlation(v, variance, lag, along_x);
    if (now < threshold) return (lag - 1 + (before - threshold) / (before - now)) / n;
    before = now;
  }
  return 0.5;
}

double variation_of(const Field& v) {
  const auto jump = [](double a, double b) { return std::isnan(a) || std::isnan(b) ? 0.0 : std::abs(b - a); };
  const Grid& g = v.grid;
  double along_x = 0.0;
  double along_y = 0.0;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      if (i + 1 < g.nx) along_x += jump(v(i, j), v(i + 1, j));
      if (j + 1 < g.ny) along_y += jump(v(i, j), v(i, j + 1));
    }
  }
  return along_x / g.ny + along_y / g.nx;
}

}  // namespace

CoefficientStatistics coefficient_statistics(const Field& permeability, const Resolution& resolution,
                                             Location location) {
  const Grid& grid = permeability.grid;
  const Range range = least_and_most(permeability.values, mask_of_rock(permeability));
  check(range.usable_permeability(), "a permeability is not finite and above zero");
  const Resolution to{std::min(grid.nx, resolution.nx), std::min(grid.ny, resolution.ny)};
  Field log_k = sampled(permeability, to, location);
  const auto count = static_cast<double>(log_k.values.size() - mask_of_rock(log_k).inactive());
  double mean = 0.0;
  for (double& k : log_k.values) {
    k = k == 0.0 ? std::numeric_limits<double>::quiet_NaN() : std::log(k);  // inactive cells hold no number
    if (!std::isnan(k)) mean += k / count;
  }
  double variance = 0.0;
  for (double& v : log_k.values) {
    v -= mean;
    if (!std::isnan(v)) variance += v * v / count;
  }
  if (variance < 1e-12) variance = 0.0;  // rounding
  return {std::log(range.least),
          std::log(range.most),
          variance,
          correlation_length(log_k, variance, true),
          correlation_length(log_k, variance, false),
          variation_of(log_k)};
}

void CoefficientRanges::add(const CoefficientStatistics& s) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    least[i] = fields == 0 ? s[i] : std::min(least[i], s[i]);
    most[i] = fields == 0 ? s[i] : std::max(most[i], s[i]);
  }
  ++fields;
}

std::vector<std::string> CoefficientRanges::outside(const CoefficientStatistics& s, std::size_t count) const {
  std::vector<std::string> found;
  if (fields == 0) return found;
  constexpr std::array<const char*, kCoefficientStatistics.size()> kWords{
      "least permeability",          "largest permeability",        "variance of ln k",
      "correlation length in x / L", "correlation length in y / L", "variation of ln k"};
  for (std::size_t i = 0; i < count; ++i) {
    const double margin = 0.2 * (most[i] - least[i]) + 1e-4;  // single precision
    if (s[i] >= least[i] - margin && s[i] <= most[i] + margin) continue;
    const bool is_log = i < 2;
    const auto shown = [&](double value) { return is_log ? std::exp(value) : value; };
    found.push_back(fmt::format("{} {:.3g} (training: {:.3g} to {:.3g})", kWords[i], shown(s[i]),
                                shown(least[i]), shown(most[i])));
  }
  return found;
}

}  // namespace mano
