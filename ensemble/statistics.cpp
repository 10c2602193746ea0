#include "ensemble/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "core/error.hpp"

namespace mano {

Moments moments_of(std::span<const double> values) {
  check(values.size() >= 2, "moments of {} numbers; at least 2 are needed", values.size());
  const auto n = static_cast<double>(values.size());
  Moments m{values.size()};
  double shift = 0.0;  // about the first number: a constant comes out as itself
  for (double v : values) shift += v - values[0];
  m.mean = values[0] + shift / n;
  double second = 0.0;
  double fourth = 0.0;
  for (double v : values) {
    const double square = (v - m.mean) * (v - m.mean);
    second += square;
    fourth += square * square;
  }
  m.variance = second / (n - 1);
  if (second > 0) m.kurtosis = n * fourth / (second * second);
  return m;
}

double normal_quantile(double p) {
  check(p > 0 && p < 1, "probability is {}; it must lie in (0, 1)", p);
  return boost::math::quantile(boost::math::normal(), p);
}

double student_quantile(double p, double freedom) {
  check(p > 0 && p < 1, "probability is {}; it must lie in (0, 1)", p);
  check(freedom >= 1, "degrees of freedom are {}; they must be at least 1", freedom);
  return boost::math::quantile(boost::math::students_t(freedom), p);
}

double degrees_of_freedom(const Moments& m) {
  const auto n = static_cast<double>(m.samples);
  return std::clamp(2 * n / std::max(m.kurtosis - (n - 3) / (n - 1), 1e-9), 1.0, n - 1);
}

Quantile quantile_of(std::span<const double> sorted, double p) {
  check(!sorted.empty(), "a quantile of no numbers");
  check(p > 0 && p < 1, "probability is {}; it must lie in (0, 1)", p);
  const std::size_t n = sorted.size();
  // By linear interpolation between order statistics, position p (n - 1) from the first.
  const double at = p * static_cast<double>(n - 1);
  const auto below = static_cast<std::size_t>(at);
  Quantile q{sorted[below]};
  if (below + 1 < n) q.value += (at - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
  // B of n numbers lie below x_p, binomially. X_(r) > x_p where B < r, X_(s) < x_p where B >= s.
  constexpr double kTail = 0.5 * (1 - kConfidence);
  const boost::math::binomial below_it(static_cast<double>(n), p);
  std::optional<std::size_t> r, s;
  for (std::size_t k = 0; k < n; ++k) {
    const double at_most = boost::math::cdf(below_it, static_cast<double>(k));  // P(B <= k)
    if (at_most <= kTail) r = k + 1;                                            // P(B < r) = P(B <= k)
    if (!s && at_most >= 1 - kTail) s = k + 1;                                  // P(B >= s) = 1 - P(B <= k)
  }
  if (r && s) q.interval = Interval{sorted[*r - 1], sorted[*s - 1]};
  return q;
}

double slope_of(std::span<const double> x, std::span<const double> y) {
  check(x.size() == y.size() && x.size() >= 2, "a line through {} and {} numbers; two points are needed",
        x.size(), y.size());
  double mean_x = 0.0;
  double mean_y = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / static_cast<double>(x.size());
    mean_y += y[i] / static_cast<double>(x.size());
  }
  double xx = 0.0;
  double xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  check(xx > 0, "a line through points of one x");
  return xy / xx;
}

}  // namespace mano
