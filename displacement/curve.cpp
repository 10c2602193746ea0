#include "displacement/curve.hpp"

#include <limits>

#include "solver/flow.hpp"

namespace mano {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// visit(state) of a point, in the same order for all points of a curve.
template <typename Point, typename Visit>
void for_each_opening(Point& point, const Visit& visit) {
  for (auto& well : point.wells) visit(well);
  for (auto& side : point.sides) visit(side);
  visit(point.sources);
}

double cut_of_all(const CurvePoint& point) {
  double all = 0.0;
  double injected = 0.0;
  for_each_opening(point, [&](const OpeningState& state) {
    all += state.out;
    injected += state.out * state.cut;
  });
  return all > 0 ? injected / all : 0.0;
}

}  // namespace

CurvePoint curve_point(const TotalFlow& flow, const FractionalFlow& fractional,
                       const std::vector<double>& s) {
  CurvePoint point;
  point.wells.resize(flow.problem().wells.size());
  for_each_opening(point, [](OpeningState& state) { state.pressure = kNone; });
  const auto& openings = flow.openings();
  for (std::size_t o = 0; o < openings.size(); ++o) {
    const Opening& opening = openings[o];
    OpeningState& state = opening.kind == Opening::Kind::well   ? point.wells[opening.number]
                          : opening.kind == Opening::Kind::side ? point.sides[opening.number]
                                                                : point.sources;
    const double rate = flow.rates()[o];
    if (rate > 0) {
      state.in += rate;
    } else {
      state.out -= rate;
      state.cut -= rate * fractional.flow(s[opening.cell]);  // a rate still
    }
  }
  for_each_opening(point,
                   [](OpeningState& state) { state.cut = state.out > 0 ? state.cut / state.out : 0.0; });
  const auto states = well_states(flow.problem(), flow.pressure());
  for (std::size_t w = 0; w < states.size(); ++w) point.wells[w].pressure = states[w].pressure;
  point.cut = cut_of_all(point);
  return point;
}

void interpolate_rates(std::vector<CurvePoint>& curve, std::size_t from) {
  CurvePoint& first = curve[from - 1];
  CurvePoint& last = curve.back();
  std::vector<OpeningState> before, after;
  for_each_opening(first, [&](const OpeningState& state) { before.push_back(state); });
  for_each_opening(last, [&](const OpeningState& state) { after.push_back(state); });
  const double span = last.pore_volumes - first.pore_volumes;
  for (std::size_t i = from; i + 1 < curve.size(); ++i) {
    const double weight = (curve[i].pore_volumes - first.pore_volumes) / span;
    const auto between = [&](double a, double b) { return a + weight * (b - a); };
    std::size_t o = 0;
    for_each_opening(curve[i], [&](OpeningState& state) {
      state.in = between(before[o].in, after[o].in);
      state.out = between(before[o].out, after[o].out);
      state.pressure = between(before[o].pressure, after[o].pressure);
      ++o;
    });
    curve[i].cut = cut_of_all(curve[i]);
  }
}

double breakthrough_of(const std::vector<CurvePoint>& curve) {
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const CurvePoint& now = curve[i];
    if (now.cut < kBreakthroughCut) continue;
    if (i == 0) return now.pore_volumes;
    const CurvePoint& before = curve[i - 1];
    return before.pore_volumes + (now.pore_volumes - before.pore_volumes) * (kBreakthroughCut - before.cut) /
                                     (now.cut - before.cut);
  }
  return kNone;
}

}  // namespace mano
