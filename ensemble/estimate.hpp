#pragma once
// The multilevel Monte Carlo estimate of a quantity Q_L on the finest level, from independent samples by level. A level l holds pairs
// (Q_l, c Q_(l-1)) of the same random input, the coarsest Q_0 alone; its correction is Y_l = Q_l - c Q_(l-1). Where c is not 1, Q_(l-1) is
// scaled everywhere else as well: a control variate.
//
//   mean       E[Q_L] = sum_l E[Y_l]                       each by the sample mean              Giles, Acta Numerica 24 (2015), eq. (1.2)
//              V = sum_l V_l / N_l                         V_l the sample variance of Y_l
//   variance   Var(Q_L) = sum_l Var(Q_l) - Var(c Q_(l-1))  each by the difference of sample     Bierig & Chernov, Stoch. PDE: Anal. Comp.
//                                                          variances, unbiased                  3 (2015), eq. (12)
//
// Intervals at kConfidence: mean +- t sqrt(V), with Student's t of the degrees of freedom of Welch and Satterthwaite; the variance in its
// logarithm, variance exp(+- t error / variance), since its distribution leans to the right.

#include <vector>

#include "ensemble/statistics.hpp"

namespace mano {

/// Of one quantity: fine[i] and coarse[i] are of the same sample i; coarse is empty on the coarsest level.
struct LevelSamples {
  std::vector<double> fine, coarse;

  std::size_t size() const { return fine.size(); }
  std::vector<double> corrections() const;
};

struct Estimate {
  double mean = 0.0;
  double error = 0.0;  ///< standard error of the mean, sqrt(V)
  Interval mean_interval;
  double variance = 0.0;
  double variance_error = 0.0;
  Interval variance_interval;

  double half_width() const { return 0.5 * (mean_interval.high - mean_interval.low); }
};

/// At least two samples on every level. Throws InvalidInput otherwise.
Estimate estimate_of(const std::vector<LevelSamples>& levels);

/// sum_i (x_i - mean x)(y_i - mean y) / (n - 1)
double covariance_of(std::span<const double> x, std::span<const double> y);

}  // namespace mano
