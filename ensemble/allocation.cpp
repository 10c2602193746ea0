#include "ensemble/allocation.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace mano {

std::vector<double> optimal_samples(const std::vector<std::vector<double>>& variances,
                                    const std::vector<double>& costs, const std::vector<double>& bounds) {
  check(variances.size() == bounds.size(), "{} quantities and {} bounds", variances.size(), bounds.size());
  std::vector<double> samples(costs.size(), 0.0);
  for (std::size_t q = 0; q < variances.size(); ++q) {
    check(variances[q].size() == costs.size(), "{} variances and {} costs", variances[q].size(),
          costs.size());
    double sum = 0.0;
    for (std::size_t l = 0; l < costs.size(); ++l) sum += std::sqrt(variances[q][l] * costs[l]);
    for (std::size_t l = 0; l < costs.size(); ++l)
      samples[l] = std::max(samples[l], std::sqrt(variances[q][l] / costs[l]) * sum / bounds[q]);
  }
  return samples;
}

double optimal_cost(const std::vector<std::vector<double>>& variances, const std::vector<double>& costs,
                    const std::vector<double>& bounds) {
  const std::vector<double> samples = optimal_samples(variances, costs, bounds);
  double cost = 0.0;
  for (std::size_t l = 0; l < costs.size(); ++l) cost += samples[l] * costs[l];
  return cost;
}

}  // namespace mano
