#pragma once
// How many samples on which level.
//
//   N_l = sqrt(V_l / C_l) sum_k sqrt(V_k C_k) / v       least cost sum N_l C_l for sum V_l / N_l = v       Giles (2015), eq. (1.5)
//
// V_l variance of a correction, C_l cost of a sample of it. Several quantities from the same samples: the most that any of them needs.

#include <cstddef>
#include <vector>

namespace mano {

/// variances[q][l] of quantity q, its bound v = bounds[q] > 0; costs[l] > 0. Real numbers N_l.
std::vector<double> optimal_samples(const std::vector<std::vector<double>>& variances,
                                    const std::vector<double>& costs, const std::vector<double>& bounds);

/// sum_l N_l C_l of those.
double optimal_cost(const std::vector<std::vector<double>>& variances, const std::vector<double>& costs,
                    const std::vector<double>& bounds);

}  // namespace mano
