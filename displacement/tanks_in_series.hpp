#pragma once
// A displacement through stirred tanks of equal volume, one after the other: the upwind scheme in one dimension.
//
//   ds_i/dt = f(s_{i-1}) - f(s_i),   f(s_0) = 1,   s_i(0) = 0          time in volumes of one tank
//
// s of the m-th tank at t = m theta, as a function of m and theta, where theta is the time over the mean residence time of a tracer. As m
// grows it tends to the solution of Buckley and Leverett (Trans. AIME 146 (1942)); small m spread the front. The table comes from explicit
// steps of Courant number 1/2, which spread it a little less than the equations do.

#include <vector>

#include "displacement/fluids.hpp"

namespace mano {

class TanksInSeries {
 public:
  explicit TanksInSeries(const FractionalFlow& fractional);

  /// s after `tanks` >= 1, which need not be whole, at `theta` >= 0. From a table, between whose entries it is linear in theta and log m;
  /// beyond its last rows and columns it is constant.
  double at(double tanks, double theta) const;

 private:
  std::vector<double> log_tanks_;           // of each row
  std::vector<std::vector<double>> table_;  // by theta
};

}  // namespace mano
