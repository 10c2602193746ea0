#include "ensemble/rates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mano {

Rates rates_of(const std::vector<LevelSamples>& corrections) {
  constexpr std::size_t kLast = 4;
  std::vector<double> level, log_mean, log_variance, mean_level;
  for (std::size_t l = corrections.size() - std::min(kLast, corrections.size()); l < corrections.size();
       ++l) {
    const Moments y = moments_of(corrections[l].corrections());
    level.push_back(static_cast<double>(level.size()));
    log_variance.push_back(std::log2(std::max(y.variance, 1e-300)));
    if (y.mean == 0.0) continue;
    mean_level.push_back(level.back());
    log_mean.push_back(std::log2(std::abs(y.mean)));
  }
  Rates rates;
  if (level.size() >= 2) rates.beta = -slope_of(level, log_variance);
  if (mean_level.size() >= 2) rates.alpha = -slope_of(mean_level, log_mean);
  return rates;
}

double bias_bound(const std::vector<LevelSamples>& corrections, std::optional<double> alpha) {
  constexpr double kSure = 1.645;  // standard errors: 95 % to one side
  const double rate = std::clamp(alpha.value_or(1.0), 0.5, 1.0);
  double bound = 0.0;
  for (std::size_t back = 0; back < std::min<std::size_t>(2, corrections.size()); ++back) {
    const Moments y = moments_of(corrections[corrections.size() - 1 - back].corrections());
    const double most = std::abs(y.mean) + kSure * std::sqrt(y.variance / static_cast<double>(y.samples));
    bound = std::max(bound, most * std::exp2(-rate * static_cast<double>(back)) / (std::exp2(rate) - 1));
  }
  return bound;
}

double best_scale(double solver, double model, double shared, double cost_pair, double cost_model) {
  constexpr int kSteps = 64;
  double least = std::numeric_limits<double>::infinity();
  double best = 0.0;
  for (int step = -2 * kSteps; step <= 2 * kSteps; ++step) {
    const double c = static_cast<double>(step) / kSteps;
    const double left = std::max(0.0, solver - 2 * c * shared + c * c * model);
    const double work = std::sqrt(left * cost_pair) + std::abs(c) * std::sqrt(model * cost_model);
    if (!(work < least)) continue;
    least = work;
    best = c;
  }
  return best;
}

}  // namespace mano
