#include "apps/ensemble/quantity.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.hpp"
#include "solver/flow.hpp"
#include "solver/stencil.hpp"

namespace mano {

namespace {

using Kind = Quantity::Kind;

struct Named {
  const char* name;
  Kind kind;
};
constexpr Named kAlone[] = {{"effective-permeability", Kind::effective_x},
                            {"effective-permeability-x", Kind::effective_x},
                            {"effective-permeability-y", Kind::effective_y},
                            {"mean-pressure", Kind::mean_pressure},
                            {"largest-pressure", Kind::largest_pressure},
                            {"mean-log-permeability", Kind::mean_log_permeability},
                            {"breakthrough", Kind::breakthrough}};
constexpr Named kOfSomething[] = {{"pressure", Kind::point_pressure}, {"outflow", Kind::outflow},
                                  {"rate", Kind::well_rate},          {"bhp", Kind::well_pressure},
                                  {"recovery", Kind::recovery},       {"water-cut", Kind::water_cut}};
constexpr double kLatestTime = 100.0;  // pore volumes injected: what has not come by then does not come

void take_point(Quantity& q, const std::string& text, const Grid& grid) {
  const auto comma = text.find(',');
  const auto x = parse_number(text.substr(0, comma));
  const auto y = parse_number(comma == std::string::npos ? "" : text.substr(comma + 1));
  check(x && y, "quantity '{}': '{}' is no point, expected pressure@X,Y", q.name, text);
  check(*x >= 0 && *x <= grid.lx && *y >= 0 && *y <= grid.ly,
        "quantity '{}': the point lies outside the domain, x from 0 to {:g}, y from 0 to {:g}", q.name,
        grid.lx, grid.ly);
  q.x = *x;
  q.y = *y;
}

void take_time(Quantity& q, const std::string& text) {
  q.time = text.ends_with("pv") ? parse_number(text.substr(0, text.size() - 2)).value_or(0.0) : 0.0;
  check(q.time > 0 && q.time <= kLatestTime,
        "quantity '{}': time is '{}', expected pore volumes injected, up to {:g}: {}@0.4pv", q.name, text,
        kLatestTime, q.name.substr(0, q.name.find('@')));
}

void take_side(Quantity& q, const std::string& text, const Problem& problem) {
  const auto side = side_named(text, problem.grid());
  check(side.has_value(), "quantity '{}': side is '{}', expected left, right, bottom or top", q.name, text);
  q.side = *side;
  check(problem.on(q.side).type == BoundaryCondition::Type::pressure,
        "quantity '{}': the flow through side {} is prescribed, there is nothing to learn of it", q.name,
        text);
}

void take_well(Quantity& q, const std::string& text, const FlowSource& flow, const Problem& problem) {
  const auto& names = flow.well_names();
  const auto found = std::find(names.begin(), names.end(), text);
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  check(found != names.end(), "quantity '{}': no well is named '{}'; there {}", q.name, text,
        names.empty() ? "is none" : "are " + list);
  q.well = found - names.begin();
  const Well& well = problem.wells[q.well];
  const bool rate_is_given = well.control == Well::Control::rate;
  check(rate_is_given == (q.kind == Kind::well_pressure),
        "quantity '{}': the {} of this well is prescribed, there is nothing to learn of it", q.name,
        rate_is_given ? "rate" : "pressure");
  check(q.kind != Kind::well_pressure || well.radius > 0,
        "quantity '{}': a pressure in the bore needs its radius: --well X,Y,rate=RATE,radius=R", q.name);
}

// Sum over faces of T (difference of pressure)^2.
double dissipation(const Problem& problem, const Field& p) {
  const Stencil s(problem);
  const Grid& g = s.grid;
  double sum = 0.0;
  const auto add = [&](double t, double difference) { sum += t * difference * difference; };
  const auto outside = [&](Side side, int position) { return problem.on(side).values[position]; };
  for (int j = 0; j < g.ny; ++j) {
    add(s.left(0, j), p(0, j) - outside(Side::left, j));
    for (int i = 1; i < g.nx; ++i) add(s.left(i, j), p(i, j) - p(i - 1, j));
    add(s.right(g.nx - 1, j), p(g.nx - 1, j) - outside(Side::right, j));
  }
  for (int i = 0; i < g.nx; ++i) {
    add(s.front(i, 0), p(i, 0) - outside(Side::front, i));
    for (int j = 1; j < g.ny; ++j) add(s.front(i, j), p(i, j) - p(i, j - 1));
    add(s.back(i, g.ny - 1), p(i, g.ny - 1) - outside(Side::back, i));
  }
  return sum;
}

// Along one axis: the value at position s, counted in cells from the first centre, between neighbours or towards a side's value.
struct Between {
  int low, high;  // cells; -1 and n are the sides
  double upper;   // weight of `high`
};

Between between(double at, double h, int n) {
  const double s = std::clamp(at / h, 0.0, static_cast<double>(n));
  if (s < 0.5) return {-1, 0, s / 0.5};
  if (s > n - 0.5) return {n - 1, n, (s - (n - 0.5)) / 0.5};
  const int low = std::min(static_cast<int>(s - 0.5), n - 1);
  return {low, std::min(low + 1, n - 1), s - 0.5 - low};
}

double pressure_at(const Problem& problem, const Field& p, double x, double y) {
  const Grid& g = p.grid;
  // Beyond a side of given flow the pressure goes on as it is.
  const auto towards = [&](Side side, int position, double inside) {
    const BoundaryCondition& c = problem.on(side);
    return c.type == BoundaryCondition::Type::pressure ? c.values[position] : inside;
  };
  const Between bx = between(x, g.hx(), g.nx);
  const Between by = between(y, g.hy(), g.ny);
  const auto in_row = [&](int j) {
    const auto at = [&](int i) {
      if (i < 0) return towards(Side::left, j, p(0, j));
      if (i == g.nx) return towards(Side::right, j, p(g.nx - 1, j));
      return p(i, j);
    };
    return (1 - bx.upper) * at(bx.low) + bx.upper * at(bx.high);
  };
  const int column = std::clamp(bx.upper < 0.5 ? bx.low : bx.high, 0, g.nx - 1);
  const auto at = [&](int j) {
    if (j < 0) return towards(Side::front, column, in_row(0));
    if (j == g.ny) return towards(Side::back, column, in_row(g.ny - 1));
    return in_row(j);
  };
  return (1 - by.upper) * at(by.low) + by.upper * at(by.high);
}

double mean_of(const std::vector<double>& values, const CellMask& active, double (*map)(double)) {
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (!active[c]) continue;
    sum += map(values[c]);
    ++count;
  }
  return sum / static_cast<double>(count);
}

}  // namespace

Quantity::Flow Quantity::flow() const {
  switch (kind) {
    case Kind::effective_x:
      return Flow::along_x;
    case Kind::effective_y:
      return Flow::along_y;
    case Kind::mean_log_permeability:
      return Flow::none;
    case Kind::recovery:
    case Kind::water_cut:
    case Kind::breakthrough:
      return Flow::displacement;
    default:
      return Flow::own;
  }
}

Quantity parse_quantity(const std::string& text, const FlowSource& flow, const Problem& problem) {
  Quantity q{.name = text};
  for (const Named& named : kAlone) {
    if (text != named.name) continue;
    q.kind = named.kind;
    return q;
  }
  const auto at = text.find('@');
  const auto found = std::find_if(std::begin(kOfSomething), std::end(kOfSomething),
                                  [&](const Named& n) { return text.substr(0, at) == n.name; });
  check(at != std::string::npos && found != std::end(kOfSomething),
        "quantity is '{}', expected effective-permeability (-x, -y), pressure@X,Y, mean-pressure, "
        "largest-pressure, outflow@SIDE, rate@WELL, bhp@WELL, recovery@Tpv, water-cut@Tpv, breakthrough or "
        "mean-log-permeability",
        text);
  q.kind = found->kind;
  const std::string rest = text.substr(at + 1);
  if (q.kind == Kind::point_pressure) {
    take_point(q, rest, problem.grid());
  } else if (q.kind == Kind::outflow) {
    take_side(q, rest, problem);
  } else if (q.flow() == Quantity::Flow::displacement) {
    take_time(q, rest);
  } else {
    take_well(q, rest, flow, problem);
  }
  return q;
}

double value_of(const Quantity& q, const Problem& problem, const Field& pressure) {
  const Grid& g = problem.grid();
  const auto same = [](double v) { return v; };
  switch (q.kind) {
    case Kind::effective_x:
      return dissipation(problem, pressure) * g.lx / g.ly;
    case Kind::effective_y:
      return dissipation(problem, pressure) * g.ly / g.lx;
    case Kind::point_pressure:
      return pressure_at(problem, pressure, q.x, q.y);
    case Kind::mean_pressure:
      return mean_of(pressure.values, problem.active, same);
    case Kind::largest_pressure:
      return least_and_most(pressure.values, problem.active).most;
    case Kind::outflow:
      return outflow(problem, pressure)[static_cast<int>(q.side)];
    case Kind::well_rate:
      return well_states(problem, pressure)[q.well].rate;
    case Kind::well_pressure:
      return well_states(problem, pressure)[q.well].pressure;
    default:
      return mean_of(problem.permeability.values, problem.active, [](double k) { return std::log(k); });
  }
}

SimulationOptions simulation_of(const std::vector<Quantity>& quantities, SimulationOptions options) {
  std::set<double> times;
  bool until_breakthrough = false;
  for (const Quantity& q : quantities) {
    if (q.flow() != Quantity::Flow::displacement) continue;
    if (q.kind == Kind::breakthrough) {
      until_breakthrough = true;
    } else {
      times.insert(q.time);
    }
  }
  const double latest = times.empty() ? 0.0 : *times.rbegin();
  if (until_breakthrough) {
    times.insert(kLatestTime);
    options.enough = [latest](const CurvePoint& now) {
      return now.pore_volumes >= latest && now.cut >= kBreakthroughCut;
    };
  }
  options.snapshots.assign(times.begin(), times.end());
  return options;
}

double value_of(const Quantity& q, const SimulationResult& result) {
  if (q.kind == Kind::breakthrough) {
    if (std::isnan(result.breakthrough))
      throw RunFailed(fmt::format("no breakthrough within {:g} pore volumes injected", kLatestTime));
    return result.breakthrough;
  }
  const auto at = std::find_if(result.snapshots.begin(), result.snapshots.end(),
                               [&](const Snapshot& s) { return s.at.pore_volumes == q.time; });
  if (at == result.snapshots.end()) throw RunFailed(fmt::format("{} was not reached", q.name));
  return q.kind == Kind::recovery ? at->at.recovery : at->at.cut;
}

std::string unit_of(const Quantity& q, const Units& units) {
  const UnitNames n = units.names();
  switch (q.kind) {
    case Kind::effective_x:
    case Kind::effective_y:
      return n.permeability;
    case Kind::outflow:
    case Kind::well_rate:
      return n.rate;
    case Kind::mean_log_permeability:
    case Kind::recovery:
    case Kind::water_cut:
    case Kind::breakthrough:  // pore volumes
      return "";
    default:
      return n.pressure;
  }
}

}  // namespace mano
