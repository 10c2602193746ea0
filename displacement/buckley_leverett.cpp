#include "displacement/buckley_leverett.hpp"

#include <algorithm>

namespace mano {

namespace {

// Where g changes from above zero to below, between low and high.
template <typename Function>
double bisected(double low, double high, const Function& g) {
  for (int i = 0; i < 200 && high - low > 1e-16; ++i) {
    const double middle = 0.5 * (low + high);
    (g(middle) > 0 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

BuckleyLeverett::BuckleyLeverett(const Fluids& fluids) : fractional_(fluids) {
  // f(s) / s rises up to the tangent and falls after it.
  const auto rises = [&](double s) {
    const auto f = fractional_.at(s);
    return f.slope * s - f.flow;
  };
  const double from = std::max(fractional_.inflection(), 1e-12);
  front_ = rises(from) > 0 ? (rises(1.0) > 0 ? 1.0 : bisected(from, 1.0, rises)) : from;
  front_speed_ = fractional_.flow(front_) / front_ / fractional_.mobile();
}

double BuckleyLeverett::behind(double speed) const {
  return bisected(front_, 1.0,
                  [&](double s) { return fractional_.at(s).slope / fractional_.mobile() - speed; });
}

double BuckleyLeverett::mobile_part(double x, double tau) const {
  if (!(x < front_speed_ * tau)) return 0.0;
  return behind(x / tau);
}

double BuckleyLeverett::recovery(double tau) const {
  const double there = 1.0 - fractional_.fluids().injected_residual;
  if (front_speed_ * tau <= 1.0) return tau / there;
  // Welge: the mean s behind x = 1 is s + (1 - f) tau / m.
  const double s = behind(1.0 / tau);
  return (fractional_.mobile() * s + (1.0 - fractional_.flow(s)) * tau) / there;
}

}  // namespace mano
