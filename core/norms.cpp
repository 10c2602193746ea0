#include "core/norms.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace mano {

Field difference(const Field& a, const Field& b) {
  check(a.grid.same_cells(b.grid), "fields of {} and {} cannot be compared", a.grid.resolution(),
        b.grid.resolution());
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

double sum_of_squares(const std::vector<double>& v) {
  return std::inner_product(v.begin(), v.end(), v.begin(), 0.0);
}

double gradient_sum_of_squares(const Field& f, const CellMask& active) {
  const Grid& g = f.grid;
  double sum = 0.0;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      if (!active(i, j)) continue;
      if (i + 1 < g.nx && active(i + 1, j)) sum += std::pow((f(i + 1, j) - f(i, j)) / g.hx(), 2);
      if (j + 1 < g.ny && active(i, j + 1)) sum += std::pow((f(i, j + 1) - f(i, j)) / g.hy(), 2);
    }
  }
  return sum;
}

}  // namespace

double relative_l2(const Field& a, const Field& b) {
  return std::sqrt(sum_of_squares(difference(a, b).values) / sum_of_squares(b.values));
}

double relative_l2(const std::vector<Field>& a, const std::vector<Field>& b) {
  double error = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    error += sum_of_squares(difference(a.at(i), b[i]).values);
    norm += sum_of_squares(b[i].values);
  }
  return std::sqrt(error / norm);
}

double relative_h1(const Field& a, const Field& b, const CellMask& active) {
  const Field e = with_inactive(difference(a, b), active, 0.0);
  const Field solution = with_inactive(b, active, 0.0);
  return std::sqrt((sum_of_squares(e.values) + gradient_sum_of_squares(e, active)) /
                   (sum_of_squares(solution.values) + gradient_sum_of_squares(solution, active)));
}

double relative_h1(const Field& a, const Field& b) {
  return relative_h1(a, b, {});
}

double largest_error(const Field& a, const Field& b) {
  double largest = 0.0;
  for (double e : difference(a, b).values) largest = std::max(largest, std::abs(e));
  return largest;
}

double root_mean_square(const std::vector<double>& values) {
  return std::sqrt(sum_of_squares(values) / static_cast<double>(values.size()));
}

double covered_part(const Field& a, const Field& b, double width, const CellMask& active) {
  const std::vector<double> e = active_values(difference(a, b), active);
  const auto inside =
      std::count_if(e.begin(), e.end(), [&](double value) { return std::abs(value) <= width; });
  return static_cast<double>(inside) / static_cast<double>(e.size());
}

ErrorSummary summarize(std::vector<double> errors) {
  if (errors.empty()) return {};
  std::sort(errors.begin(), errors.end());
  const std::size_t n = errors.size();
  const double median = n % 2 ? errors[n / 2] : 0.5 * (errors[n / 2 - 1] + errors[n / 2]);
  return {std::accumulate(errors.begin(), errors.end(), 0.0) / n, median, errors.back()};
}

}  // namespace mano
