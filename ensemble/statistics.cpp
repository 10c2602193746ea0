#include "ensemble/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

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
  if (p > 0.5) return -normal_quantile(1 - p);
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  double x = 0.0;
  if (p < 0.02425) {
    const double q = std::sqrt(-2 * std::log(p));
    x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
        ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  } else {
    const double q = p - 0.5;
    const double r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
  const double step = error * std::sqrt(2 * std::numbers::pi) * std::exp(0.5 * x * x);
  return x - step / (1 + 0.5 * x * step);
}

namespace {

// The continued fraction of the incomplete beta function, by Lentz's method.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto guarded = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1.0;
  double d = 1 / guarded(1 - (a + b) * x / (a + 1));
  double h = d;
  for (int m = 1; m <= 10'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guarded(1 + even * d);
    c = guarded(1 + even / c);
    h *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guarded(1 + odd * d);
    c = guarded(1 + odd / c);
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return h;
}

// I_x(a, b)
double incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0.0 : 1.0;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                   : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

}  // namespace

double student_quantile(double p, double freedom) {
  check(p > 0 && p < 1, "probability is {}; it must lie in (0, 1)", p);
  check(freedom >= 1, "degrees of freedom are {}; they must be at least 1", freedom);
  if (p < 0.5) return -student_quantile(1 - p, freedom);
  if (freedom > 1e6) return normal_quantile(p);
  const auto above = [&](double t) {  // P(T > t)
    return 0.5 * incomplete_beta(0.5 * freedom, 0.5, freedom / (freedom + t * t));
  };
  double low = 0.0;
  double high = 1.0;
  while (above(high) > 1 - p && high < 1e12) high *= 2;
  for (int i = 0; i < 100 && high - low > 1e-10 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (above(middle) > 1 - p ? low : high) = middle;
  }
  return 0.5 * (low + high);
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
  std::optional<std::size_t> r, s;
  double cumulative = 0.0;  // P(B <= k)
  for (std::size_t k = 0; k <= n; ++k) {
    const auto kd = static_cast<double>(k);
    const auto nd = static_cast<double>(n);
    cumulative += std::exp(std::lgamma(nd + 1) - std::lgamma(kd + 1) - std::lgamma(nd - kd + 1) +
                           kd * std::log(p) + (nd - kd) * std::log1p(-p));
    if (cumulative <= kTail) r = k + 1;                     // P(B < r) = P(B <= k)
    if (!s && cumulative >= 1 - kTail && k < n) s = k + 1;  // P(B >= s) = 1 - P(B <= k)
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
