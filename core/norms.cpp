#include "core/norms.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace mano {

Field difference(const Field& a, const Field& b) {
  check(a.grid.nx == b.grid.nx && a.grid.ny == b.grid.ny, "fields of {} and {} cannot be compared",
        a.grid.resolution(), b.grid.resolution());
  Field e = b;
  for (std::size_t c = 0; c < e.values.size(); ++c) e.values[c] = a.values[c] - b.values[c];
  return e;
}

void subtract_mean(std::vector<double>& values, const CellMask& active) {
  if (active.all()) return subtract_mean(values);
  double sum = 0.0;
  for (std::size_t c = 0; c < values.size(); ++c) sum += active[c] ? values[c] : 0.0;
  const double mean = sum / static_cast<double>(values.size() - active.inactive());
  for (std::size_t c = 0; c < values.size(); ++c) values[c] -= active[c] ? mean : 0.0;
}

void subtract_mean(std::vector<double>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  for (double& value : values) value -= mean;
}

namespace {

double sum_of_squares(const Field& f) {
  return std::inner_product(f.values.begin(), f.values.end(), f.values.begin(), 0.0);
}

double gradient_sum_of_squares(const Field& f) {
  const Grid& g = f.grid;
  double sum = 0.0;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      if (i + 1 < g.nx) sum += std::pow((f(i + 1, j) - f(i, j)) / g.hx(), 2);
      if (j + 1 < g.ny) sum += std::pow((f(i, j + 1) - f(i, j)) / g.hy(), 2);
    }
  }
  return sum;
}

}  // namespace

double relative_l2(const Field& a, const Field& b) {
  return std::sqrt(sum_of_squares(difference(a, b)) / sum_of_squares(b));
}

double relative_h1(const Field& a, const Field& b) {
  const Field e = difference(a, b);
  return std::sqrt((sum_of_squares(e) + gradient_sum_of_squares(e)) /
                   (sum_of_squares(b) + gradient_sum_of_squares(b)));
}

double largest_error(const Field& a, const Field& b) {
  double largest = 0.0;
  for (double e : difference(a, b).values) largest = std::max(largest, std::abs(e));
  return largest;
}

double root_mean_square(const Field& a) {
  return std::sqrt(sum_of_squares(a) / static_cast<double>(a.values.size()));
}

double covered_part(const Field& a, const Field& b, double width) {
  const Field e = difference(a, b);
  const auto inside =
      std::count_if(e.values.begin(), e.values.end(), [&](double value) { return std::abs(value) <= width; });
  return static_cast<double>(inside) / static_cast<double>(e.values.size());
}

ErrorSummary summarize(std::vector<double> errors) {
  if (errors.empty()) return {};
  std::sort(errors.begin(), errors.end());
  const std::size_t n = errors.size();
  const double median = n % 2 ? errors[n / 2] : 0.5 * (errors[n / 2 - 1] + errors[n / 2]);
  return {std::accumulate(errors.begin(), errors.end(), 0.0) / n, median, errors.back()};
}

}  // namespace mano
