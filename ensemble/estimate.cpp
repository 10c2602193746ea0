#include "ensemble/estimate.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace mano {

namespace {

// A sum of independent estimates: value, the variance of its error, and Welch and Satterthwaite's degrees of freedom.
struct Sum {
  double value = 0.0;
  double variance = 0.0;
  double by_freedom = 0.0;

  void add(double term, double term_variance, double freedom) {
    value += term;
    variance += term_variance;
    by_freedom += term_variance * term_variance / freedom;
  }
  double error() const { return std::sqrt(variance); }
  double reach() const {  // in standard errors
    const double freedom = by_freedom > 0 ? std::max(1.0, variance * variance / by_freedom) : 1e9;
    return student_quantile(0.5 + 0.5 * kConfidence, freedom);
  }
};

// d_i = (x_i - mean x)^2 - (y_i - mean y)^2: n / (n - 1) times their mean is the difference of the sample variances.
std::vector<double> differences_of_squares(const LevelSamples& level) {
  const double x = moments_of(level.fine).mean;
  const double y = level.coarse.empty() ? 0.0 : moments_of(level.coarse).mean;
  std::vector<double> d(level.size());
  for (std::size_t i = 0; i < d.size(); ++i) {
    d[i] = (level.fine[i] - x) * (level.fine[i] - x);
    if (!level.coarse.empty()) d[i] -= (level.coarse[i] - y) * (level.coarse[i] - y);
  }
  return d;
}

}  // namespace

std::vector<double> LevelSamples::corrections() const {
  std::vector<double> y = fine;
  for (std::size_t i = 0; i < coarse.size(); ++i) y[i] -= coarse[i];
  return y;
}

Estimate estimate_of(const std::vector<LevelSamples>& levels) {
  Sum mean, variance;
  for (const LevelSamples& level : levels) {
    check(level.coarse.empty() || level.coarse.size() == level.fine.size(),
          "a level with {} numbers on its fine grid and {} on its coarse", level.fine.size(),
          level.coarse.size());
    const auto n = static_cast<double>(level.size());
    const Moments y = moments_of(level.corrections());
    mean.add(y.mean, y.variance / n, degrees_of_freedom(y));
    const Moments d = moments_of(differences_of_squares(level));
    variance.add(d.mean * n / (n - 1), d.variance / n, degrees_of_freedom(d));
  }
  Estimate e{.mean = mean.value, .error = mean.error()};
  const double half = mean.reach() * e.error;
  e.mean_interval = {e.mean - half, e.mean + half};
  e.variance = variance.value;
  e.variance_error = variance.error();
  if (e.variance > 0) {
    const double reach = variance.reach() * e.variance_error / e.variance;
    e.variance_interval = {e.variance * std::exp(-reach), e.variance * std::exp(reach)};
  } else {
    e.variance_interval = {0.0, std::max(0.0, e.variance) + variance.reach() * e.variance_error};
  }
  return e;
}

double covariance_of(std::span<const double> x, std::span<const double> y) {
  check(x.size() == y.size() && x.size() >= 2, "a covariance of {} and {} numbers", x.size(), y.size());
  const double mean_x = moments_of(x).mean;
  const double mean_y = moments_of(y).mean;
  double sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - mean_x) * (y[i] - mean_y);
  return sum / static_cast<double>(x.size() - 1);
}

}  // namespace mano
