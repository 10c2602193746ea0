#pragma once
// How fast corrections Y_l = Q_l - Q_(l-1) vanish, and what is left of the quantity beyond the finest level.

#include <optional>
#include <vector>

#include "ensemble/estimate.hpp"

namespace mano {

/// |E[Y_l]| ~ 2^(-alpha l), Var(Y_l) ~ 2^(-beta l), by least squares in logarithms through the last four corrections, since the first are of
/// grids that hardly resolve their input; none from fewer than two.
struct Rates {
  std::optional<double> alpha, beta;
};
/// Of pairs on successive levels, from the coarsest.
Rates rates_of(const std::vector<LevelSamples>& corrections);

/// |E[Q - Q_L]| <= |E[Y_L]| / (2^alpha - 1), the worse of the last two corrections as if each led there, |E[Y]| at the upper end of what it
/// may be: mean and 1.645 standard errors. alpha is taken within [1/2, 1], so that it does not promise more than it shows. Cliffe et al.,
/// Comput. Visual. Sci. 14 (2011), section 2; the maximum as in Giles (2015), section 3.3. 0 without corrections.
double bias_bound(const std::vector<LevelSamples>& corrections, std::optional<double> alpha);

/// The c of least cost for Q = (Q - c M) + c M: it minimises sqrt(Var(Q - c M) C_pair) + |c| sqrt(Var(M) C_model), with Var(Q - c M) = solver - 2 c
/// shared + c^2 model; to 1/64 within [-2, 2].
double best_scale(double solver, double model, double shared, double cost_pair, double cost_model);

}  // namespace mano
