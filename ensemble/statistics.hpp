#pragma once
// What a sample of numbers says of the quantity it was drawn from: moments, quantiles, and how sure they are. Dimensions are those of the
// numbers. Every function throws InvalidInput for fewer numbers than it states.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace mano {

inline constexpr double kConfidence = 0.95;  ///< of all intervals

struct Interval {
  double low = 0.0;
  double high = 0.0;
  bool holds(double value) const { return low <= value && value <= high; }
};

struct Moments {
  std::size_t samples = 0;
  double mean = 0.0;
  double variance = 0.0;  ///< sum (x - mean)^2 / (n - 1)
  double kurtosis =
      3.0;  ///< m_4 / m_2^2 of the central moments; 3 for a Gaussian, and where all numbers are one
};
/// Of at least two numbers.
Moments moments_of(std::span<const double> values);

/// x with P(X <= x) = `probability` in (0, 1), standard normal; of Student's t for real `freedom` >= 1. By Boost.Math.
double normal_quantile(double probability);
double student_quantile(double probability, double freedom);

/// Degrees of freedom of the variance of `m` as that of a Gaussian would have: 2 s^4 / Var(s^2), with Var(s^2) = s^4 (kurtosis - (n - 3) /
/// (n - 1)) / n; at most n - 1.
double degrees_of_freedom(const Moments& m);

/// The number that a part `p` of the distribution lies below, and an interval of order statistics that holds it with at least kConfidence
/// whatever the distribution: X_(r) <= x_p <= X_(s), r and s from the binomial distribution (H. A. David and H. N. Nagaraja, Order
/// Statistics, 3rd edition, 7.1). Empty where there are too few numbers for either end.
struct Quantile {
  double value = 0.0;
  std::optional<Interval> interval;
};
/// `sorted` ascending, at least one number.
Quantile quantile_of(std::span<const double> sorted, double p);

/// Slope of the least-squares line through (x, y), at least two different x.
double slope_of(std::span<const double> x, std::span<const double> y);

}  // namespace mano
