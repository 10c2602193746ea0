#pragma once
// What flows in and out, and of which fluid, in the course of time.

#include <array>
#include <vector>

#include "displacement/fluids.hpp"
#include "displacement/total_flow.hpp"

namespace mano {

/// A well, a side, or all sources together, at one time.
struct OpeningState {
  double in = 0.0;        ///< rate into the rock: of the injected fluid
  double out = 0.0;       ///< rate out of it: of both
  double cut = 0.0;       ///< the injected fluid's part of `out`; 0 where nothing leaves
  double pressure = 0.0;  ///< in the bore of a well; not a number where it has no radius, and elsewhere

  double rate() const { return in - out; }            ///< into the rock
  double injected() const { return in - out * cut; }  ///< the same, of the injected fluid
  double displaced() const {
    return out > 0 ? out * (cut - 1.0) : 0.0;
  }  ///< the same, of the displaced fluid
};

struct CurvePoint {
  double pore_volumes = 0.0;  ///< injected
  double time = 0.0;          ///< pore volume over rate: days in metric and field units
  double cut = 0.0;           ///< the injected fluid's part of all that leaves: the water cut
  double recovery = 0.0;      ///< displaced fluid produced, over what there was
  double produced = 0.0;      ///< displaced fluid, volume
  std::vector<OpeningState> wells;
  std::array<OpeningState, 4> sides{};  ///< by Side
  OpeningState sources;
};

/// Breakthrough is when so much of what leaves is the injected fluid.
inline constexpr double kBreakthroughCut = 0.01;

/// Rates, pressures and cuts at the flow that was solved last and the mobile parts `s`. Times, recovery and production stay 0.
CurvePoint curve_point(const TotalFlow& flow, const FractionalFlow& fractional, const std::vector<double>& s);

/// Rates and pressures of points [from, end) of a curve, which its points from - 1 and end - 1 hold, by interpolation in time.
void interpolate_rates(std::vector<CurvePoint>& curve, std::size_t from);

/// Pore volumes injected when the cut first reaches kBreakthroughCut, by interpolation; not a number where it does not.
double breakthrough_of(const std::vector<CurvePoint>& curve);

}  // namespace mano
