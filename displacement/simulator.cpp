#include "displacement/simulator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "solver/time_of_flight.hpp"

namespace mano {

namespace {

void check_pore(const Displacement& d) {
  const Grid& g = d.problem.grid();
  check(d.pore.grid.same_cells(g) && d.pore.values.size() == g.cells(),
        "porosity is on a grid of {}, the permeability on {}", d.pore.grid.resolution(), g.resolution());
  bool any = false;
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (!d.problem.active[c]) continue;
    check(std::isfinite(d.pore.values[c]) && d.pore.values[c] >= 0,
          "porosity in cell ({}, {}) is {}; it must be finite and not negative", c % g.nx, c / g.nx,
          d.pore.values[c]);
    any = any || d.pore.values[c] > 0;
  }
  check(any, "porosity is 0 in every active cell: there is no pore volume");
}

void check_options(const SimulationOptions& o) {
  check(!o.snapshots.empty(), "no time is asked for");
  double before = 0.0;
  for (double time : o.snapshots) {
    check(std::isfinite(time) && time > before,
          "time {} does not rise above {}: times in pore volumes injected must rise from above 0", time,
          before);
    before = time;
  }
  check(o.step_tolerance > 0 && std::isfinite(o.step_tolerance),
        "step tolerance is {}; it must be finite and above zero", o.step_tolerance);
  check(o.longest_step > 0, "longest step is {}; it must be above zero", o.longest_step);
  check(o.pressure_tolerance > 0 && o.pressure_tolerance < 1,
        "pressure tolerance is {}; it must lie in (0, 1)", o.pressure_tolerance);
}

// Over the pore volume: the mobile part of each cell.
std::vector<double> mobile_volumes(const Displacement& d, double mobile, double pore_volume) {
  const Grid& g = d.problem.grid();
  std::vector<double> volume(g.cells(), 0.0);
  for (std::size_t c = 0; c < g.cells(); ++c) {
    if (d.problem.active[c]) volume[c] = d.pore.values[c] * g.hx() * g.hy() * mobile / pore_volume;
  }
  return volume;
}

// Of pressures that nobody sees: far below the error of a step.
constexpr double kBetweenSnapshots = 1e-8;
// Change of the cut in a step, over the step tolerance.
constexpr double kCutShare = 0.2;

class Simulation {
 public:
  Simulation(const Displacement& displacement, const SimulationOptions& options)
      : displacement_(displacement),
        options_(options),
        fractional_(displacement.fluids),
        pore_volume_(pore_volume(displacement.problem, displacement.pore)),
        volume_(mobile_volumes(displacement, fractional_.mobile(), pore_volume_)),
        flow_(displacement.problem, options.spare),
        transport_(fractional_, volume_, options.transport),
        s_(volume_.size(), 0.0),
        lambda_(volume_.size()) {}

  SimulationResult run() {
    solve_flow(s_, options_.pressure_tolerance);
    result_.pore_volume = pore_volume_;
    result_.curve.push_back(state());
    double dt = first_step();
    for (double end : options_.snapshots) {
      while (tau_ < end && !is_enough()) {
        dt = advance(dt, end);
        if (options_.progress) options_.progress(tau_);
      }
      if (tau_ < end) break;
      solve_flow(s_, options_.pressure_tolerance);
      result_.curve.back() = state();
      take_snapshot();
    }
    result_.breakthrough = breakthrough_of(result_.curve);
    result_.pressure_solves = flow_.solves();
    result_.cycles = flow_.cycles();
    result_.transport_passes = transport_.passes();
    return std::move(result_);
  }

 private:
  // Flows over the inflow, so that the unit of time is a pore volume injected, and free of divergence.
  void solve_flow(const std::vector<double>& s, double tolerance) {
    for (std::size_t c = 0; c < s.size(); ++c) lambda_[c] = fractional_.mobility(s[c]);
    flow_.solve(lambda_, tolerance);
    flows_ = flow_.flows();
    inflow_ = flows_.inflow();
    check(inflow_ > 0,
          "nothing is injected: the problem has neither a well, a side nor a source through which fluid "
          "enters");
    for (auto* values : {&flows_.face, &flows_.in, &flows_.out}) {
      for (double& value : *values) value /= inflow_;
    }
    order_.take(flow_.connections(), flows_);
    balance(flow_.connections(), order_, flows_);
  }

  bool is_enough() const { return options_.enough && options_.enough(result_.curve.back()); }

  double first_step() const {
    return options_.first_step > 0 ? options_.first_step
                                   : options_.step_tolerance * options_.step_tolerance * 0.02;
  }

  // One step of at most `dt` and not beyond `end`; returns what the next one may be.
  double advance(double dt, double end) {
    Flows mean = flows_;
    const double inverse_inflow = 1.0 / inflow_;
    const auto [step, cut_change] = look_ahead(mean, length_of_step(dt, end));
    mean.mix(0.5, flows_);
    const double slowness = 0.5 * pore_volume_ * (inverse_inflow + 1.0 / inflow_);
    const std::size_t first = result_.curve.size();
    const double from = tau_;
    const double until = from + step >= end * (1 - 1e-12) ? end : from + step;
    carry(mean, step, options_.courant, [&](double part, int left) {
      book(mean, part);
      time_ += part * slowness;
      tau_ = left == 0 ? until : tau_ + part;
      result_.curve.push_back(state());
    });
    interpolate_rates(result_.curve, first);
    result_.steps.push_back(step);
    const double slack = std::min(options_.step_tolerance / change(),
                                  options_.step_tolerance * kCutShare / (cut_change + 1e-9));
    return step * std::clamp(slack, 0.3, 2.0);
  }

  struct Ahead {
    double step;
    double cut_change;
  };

  // The flow at the end of a step, from transport by the flow at its beginning; s_ is at the beginning again. At breakthrough the step is
  // shortened, so that the curves of wells are smooth.
  Ahead look_ahead(const Flows& first, double step) {
    constexpr double kShortest = 1e-4;
    start_ = s_;
    while (true) {
      carry(first, step, 2 * options_.courant, [](double, int) {});  // for the mobility alone
      solve_flow(s_, std::max(options_.pressure_tolerance, kBetweenSnapshots));
      const double change = std::abs(curve_point(flow_, fractional_, s_).cut - result_.curve.back().cut);
      s_ = start_;
      const double most = options_.step_tolerance * kCutShare;
      if (change <= 2 * most || step <= kShortest || !options_.steps.empty()) return {step, change};
      step *= std::clamp(most / change, 0.2, 0.7);
    }
  }

  // What is left to `end` is taken in equal steps where two suffice.
  double length_of_step(double dt, double end) const {
    const double left = end - tau_;
    if (!options_.steps.empty()) {
      check(result_.steps.size() < options_.steps.size(), "the steps given end before the last time");
      return std::min(left, options_.steps[result_.steps.size()]);
    }
    const double step = std::min(dt, options_.longest_step);
    return step >= left ? left : 2 * step >= left ? 0.5 * left : step;
  }

  // Transport of s_ by `flows` through a step in parts, few enough for the Courant number to stay below `courant` in most cells; `after`
  // gets the length of each and how many are left.
  template <typename After>
  void carry(const Flows& flows, double step, double courant, const After& after) {
    constexpr double kMost = 0.5;
    order_.take(flow_.connections(), flows);
    const double longest = courant * transport_.usual_step(order_, kMost);
    const int parts = std::max(1, static_cast<int>(std::ceil(step / longest - 1e-9)));
    for (int part = 0; part < parts; ++part) {
      before_ = s_;
      transport_.advance(order_, step / parts, s_, courant);
      after(step / parts, parts - 1 - part);
    }
  }

  // The balance of a part of a step, and what it produced.
  void book(const Flows& flows, double step) {
    double change = 0.0;
    double in = 0.0;
    double out = 0.0;
    double all_out = 0.0;
    for (std::size_t c = 0; c < s_.size(); ++c) {
      change += volume_[c] * (s_[c] - before_[c]);
      in += step * flows.in[c];
      out += step * flows.out[c] * transport_.passed()[c];
      all_out += step * flows.out[c];
    }
    result_.mass_balance_error = std::max(result_.mass_balance_error, std::abs(change - in + out) / in);
    produced_ += all_out - out;
  }

  double change() const {
    double changed = 0.0;
    double all = 0.0;
    for (std::size_t c = 0; c < s_.size(); ++c) {
      changed += volume_[c] * (s_[c] - start_[c]) * (s_[c] - start_[c]);
      all += volume_[c] * s_[c] * s_[c];
    }
    return std::sqrt(changed / (all + 1e-3));
  }

  CurvePoint state() const {
    CurvePoint point = curve_point(flow_, fractional_, s_);
    point.pore_volumes = tau_;
    point.time = time_;
    point.produced = produced_ * pore_volume_;
    point.recovery = produced_ / (1.0 - displacement_.fluids.injected_residual);
    return point;
  }

  void take_snapshot() {
    Snapshot snapshot{result_.curve.back(), Field(displacement_.problem.grid()), flow_.pressure(),
                      cell_flux(flow_.problem(), flow_.pressure())};
    for (std::size_t c = 0; c < s_.size(); ++c) {
      if (displacement_.problem.active[c]) snapshot.saturation.values[c] = fractional_.saturation(s_[c]);
    }
    result_.snapshots.push_back(std::move(snapshot));
  }

  const Displacement& displacement_;
  const SimulationOptions& options_;
  FractionalFlow fractional_;
  double pore_volume_;
  std::vector<double> volume_;
  TotalFlow flow_;
  Transport transport_;
  UpstreamOrder order_;
  std::vector<double> s_, start_, before_, lambda_;
  Flows flows_;  // over the inflow
  double inflow_ = 0.0;
  double tau_ = 0.0;
  double time_ = 0.0;
  double produced_ = 0.0;  // displaced fluid, over the pore volume
  SimulationResult result_;
};

}  // namespace

SimulationResult simulate(const Displacement& displacement, const SimulationOptions& options) {
  check_options(options);
  check_problem(displacement.problem);
  check_pore(displacement);
  return Simulation(displacement, options).run();
}

std::vector<double> equal_times(double last, int count) {
  std::vector<double> times(count);
  for (int i = 0; i < count; ++i)
    times[i] = std::round(last * (i + 1) / count * 1e12) / 1e12;  // 0.15, not what is next to it
  return times;
}

}  // namespace mano
