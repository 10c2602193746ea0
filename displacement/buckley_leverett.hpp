#pragma once
// The exact displacement along a line: a front, and behind it a saturation that spreads.
//
//   m ds/dtau + df/dx = 0 on 0 < x < 1,  s = 1 at x = 0,  s = 0 at the start        m: mobile part of the pore volume, tau: pore volumes injected
//
// Behind the front each s travels at its own speed, x = f'(s) tau / m. The front is the tangent to f from the origin, f'(s*) = f(s*) / s*,
// and travels at that slope: S. E. Buckley and M. C. Leverett, Trans. AIME 146 (1942); H. J. Welge, Trans. AIME 195 (1952).

#include "displacement/fluids.hpp"

namespace mano {

class BuckleyLeverett {
 public:
  explicit BuckleyLeverett(const Fluids& fluids);

  double front() const { return front_; }              ///< s* just behind the front
  double front_speed() const { return front_speed_; }  ///< its place over tau
  /// Mobile part of the saturation at x, 0 to 1, after tau pore volumes.
  double mobile_part(double x, double tau) const;
  /// Part of the displaced fluid that has left at x = 1.
  double recovery(double tau) const;

 private:
  double behind(double speed) const;  // the s above the front with f'(s) / m = speed

  FractionalFlow fractional_;
  double front_ = 1.0;
  double front_speed_ = 1.0;
};

}  // namespace mano
