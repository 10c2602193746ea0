#pragma once
// How long an inert tracer has been under way when it leaves a cell, in a given flow.
//
// First-order upwind finite volumes make each cell a stirred tank: what is in cell c stays for a time that is exponentially distributed,
// with mean r_c = pore volume / flow through it. Before that it was outside, or in a neighbour n with probability w_n, that neighbour's
// part of the inflow. So the residence time T_c has
//
//   E[T_c]   = r_c + sum over n of w_n E[T_n]
//   E[T_c^2] = 2 r_c^2 + 2 r_c sum over n of w_n E[T_n] + sum over n of w_n E[T_n^2]
//
// exactly, in one pass along the flow. The variance holds both the numerical dispersion of the scheme and the mixing of paths. T_c is as
// in E[T]^2 / Var[T] equal tanks in series, in mean and variance.
//
// Source: the moment equations of residence time, P. V. Danckwerts, Chem. Eng. Sci. 2 (1953), of the discrete scheme.

#include <vector>

#include "displacement/network.hpp"

namespace mano {

struct ResidenceTimes {
  std::vector<double> mean;   ///< of each cell, in the unit of volume over flow; infinite where nothing flows
  std::vector<double> tanks;  ///< E[T]^2 / Var[T], at least 1
};

/// `pore`: pore volume of each cell. Flows must not run in circles (UpstreamOrder::circles_from).
ResidenceTimes residence_times(const UpstreamOrder& order, const std::vector<double>& pore);

}  // namespace mano
