#include "apps/ensemble/control_model.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "apps/workflow/displacement_model.hpp"
#include "apps/workflow/own_wells.hpp"
#include "core/error.hpp"
#include "displacement/curve.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

namespace {

using Flow = Quantity::Flow;

// Name of the problem whose pressures the quantities are of.
std::string problem_of(const EnsembleSetup& setup) {
  const Flow flow = flows_of(setup).front();
  if (flow == Flow::own) return setup.flow->problem_name();
  check(flow == Flow::along_x && setup.rock->configuration().is_null(),
        "--model: no model has learned the flow that an effective permeability along y or of anisotropic "
        "rock needs: leave it out");
  return "drive";
}

class PressureModel : public ControlModel {
 public:
  PressureModel(const ControlModelOptions& o, const EnsembleSetup& setup, const Grid& finest)
      : surrogate_(o.model, o.device) {
    const std::string problem = problem_of(setup);
    const ModelCard& card = surrogate_.card();
    check(card.classes.empty(), "--model: this model tells kinds of rock apart, it predicts no pressure");
    check(problem == card.problem_name,
          "--model: the quantities need the problem '{}', the model was trained for '{}'", problem,
          card.problem_name);
    check(card.lx == finest.lx && card.ly == finest.ly,
          "--model: the domain is {:g}x{:g}, the model was trained on {:g}x{:g}", finest.lx, finest.ly,
          card.lx, card.ly);
    check(card.location == Location::cell,
          "--model: the model was trained on values at the {}, cells are needed", to_string(card.location));
    surrogate_.check_takes_inactive(setup.source->has_inactive(), "--inactive");
    apply_cycles(o.cycles, true, surrogate_);
  }

  std::vector<std::vector<double>> values(LevelSolver& solver,
                                          const std::vector<Sample>& rocks) const override {
    std::vector<Field> k;
    for (const Sample& rock : rocks) k.push_back(rock_of(rock.permeability, rock.active));
    const std::vector<Field> pressures = surrogate_.predict(k);
    std::vector<std::vector<double>> values;
    for (std::size_t i = 0; i < rocks.size(); ++i) values.push_back(solver.evaluate(rocks[i], pressures[i]));
    return values;
  }

 private:
  Surrogate surrogate_;
};

// Of a cut that is linear between its times and from 0 at time 0; the last time where there is none.
double breakthrough_in(const std::vector<double>& times, const std::vector<double>& cut) {
  std::vector<CurvePoint> curve(1);
  for (std::size_t t = 0; t < times.size(); ++t) {
    curve.emplace_back().pore_volumes = times[t];
    curve.back().cut = cut[t];
  }
  const double found = breakthrough_of(curve);
  return std::isnan(found) ? times.back() : found;
}

// The quantities of curves at `times`, which hold those of the quantities.
std::vector<double> values_of(const std::vector<Quantity>& quantities, const std::vector<double>& times,
                              const std::vector<double>& cut, const std::vector<double>& recovery) {
  std::vector<double> values;
  for (const Quantity& q : quantities) {
    if (q.kind == Quantity::Kind::breakthrough) {
      values.push_back(breakthrough_in(times, cut));
      continue;
    }
    const auto t = std::lower_bound(times.begin(), times.end(), q.time) - times.begin();
    values.push_back((q.kind == Quantity::Kind::recovery ? recovery : cut)[t]);
  }
  return values;
}

// Times of the quantities, and `others` where breakthrough is one of them.
std::vector<double> times_of(const std::vector<Quantity>& quantities, const std::vector<double>& others) {
  std::set<double> times;
  for (const Quantity& q : quantities) {
    if (q.kind == Quantity::Kind::breakthrough) {
      times.insert(others.begin(), others.end());
    } else {
      times.insert(q.time);
    }
  }
  return {times.begin(), times.end()};
}

class HistoryControl : public ControlModel {
 public:
  HistoryControl(const ControlModelOptions& o, const EnsembleSetup& setup, const Grid& finest)
      : quantities_(setup.quantities),
        model_(o.model, o.device),
        times_(times_of(quantities_, model_.card().history->times)) {
    const bool own_wells = model_.source().flow().has_own_wells();
    const std::string& needed = own_wells ? o.displacement_with_own_wells : o.displacement_problem;
    check(model_.card().problem_name == needed,
          "--model: the quantities need the displacement '{}', the model was trained for '{}'", needed,
          model_.card().problem_name);
    if (own_wells) wells_.emplace(model_, OwnWellOptions{.wells = o.wells});
    check(times_.back() <= model_.card().history->times.back(),
          "--model: the quantities need times up to {:g} pore volumes, the model knows those up to {:g}",
          times_.back(), model_.card().history->times.back());
    model_.check_rock(*setup.source, finest);
  }

  std::vector<std::vector<double>> values(LevelSolver&, const std::vector<Sample>& rocks) const override {
    std::vector<std::vector<double>> values;
    std::vector<Sample> samples;
    if (wells_) {
      for (const Sample& rock : rocks) samples.push_back(wells_->given_to(rock));
    }
    for (const History& h : model_.predict_at(wells_ ? samples : rocks, times_))
      values.push_back(values_of(quantities_, times_, h.water_cut, h.recovery));
    return values;
  }

 private:
  std::vector<Quantity> quantities_;
  DisplacementModel model_;
  std::optional<OwnWells> wells_;
  std::vector<double> times_;
};

class FirstGuessControl : public ControlModel {
 public:
  explicit FirstGuessControl(const EnsembleSetup& setup)
      : quantities_(setup.quantities), guess_(setup.fluids), times_(times_of(quantities_, usual_times())) {}

  std::vector<std::vector<double>> values(LevelSolver& solver,
                                          const std::vector<Sample>& rocks) const override {
    std::vector<std::vector<double>> values;
    for (const Sample& rock : rocks) {
      const FirstGuess::Arrival arrival = guess_.arrival(solver.displacement(rock), times_.back());
      std::vector<double> cut, recovery;
      for (double time : times_) {
        const Field saturation = guess_.saturation(arrival, time);
        cut.push_back(guess_.cut(arrival, saturation));
        recovery.push_back(guess_.recovery(arrival, saturation));
      }
      values.push_back(values_of(quantities_, times_, cut, recovery));
    }
    return values;
  }

 private:
  static std::vector<double> usual_times() {  // around breakthrough
    std::vector<double> times;
    for (int n = 1; n <= 40; ++n) times.push_back(0.025 * n);
    return times;
  }

  std::vector<Quantity> quantities_;
  FirstGuess guess_;
  std::vector<double> times_;
};

}  // namespace

std::unique_ptr<ControlModel> open_control_model(const ControlModelOptions& o, const EnsembleSetup& setup,
                                                 const Grid& finest) {
  const std::vector<Flow> flows = flows_of(setup);
  check(flows.size() == 1,
        "--model: the quantities need {} flows, and a model knows one: leave it out, or ask for fewer "
        "quantities",
        flows.size());
  const bool displaced = flows[0] == Flow::displacement;
  check(!displaced || std::none_of(setup.quantities.begin(), setup.quantities.end(),
                                   [](const Quantity& q) { return q.flow() == Flow::none; }),
        "--model: a model of displacements does not know mean-log-permeability: leave one of them out");
  check(!displaced || !o.cycles.given(), "--cycles and --accuracy are for models of pressures");
  if (o.model == kFirstGuess) {
    check(displaced, "--model {}: it is of a displacement: recovery@Tpv, water-cut@Tpv, breakthrough",
          kFirstGuess);
    return std::make_unique<FirstGuessControl>(setup);
  }
  const bool history = predicts_history(o.model);
  check(displaced == history, "--model: the quantities are of {}, the model predicts {}",
        displaced ? "a displacement" : "steady flow", history ? "displacements" : "steady flow");
  if (history) return std::make_unique<HistoryControl>(o, setup, finest);
  return std::make_unique<PressureModel>(o, setup, finest);
}

std::vector<int> control_levels(const ControlModel& model, const EnsembleSetup& setup,
                                const std::vector<Grid>& grids, int finest) {
  constexpr std::size_t kMostCells = 64 * 64;
  std::vector<int> levels;
  for (int l = 0; l <= finest; ++l) {
    if (grids[l].cells() > kMostCells) break;
    LevelSolver solver(setup, grids[l]);
    Sample ones;
    ones.permeability = Field(grids[l], 1.0);
    try {
      model.values(solver, {ones});
      levels.push_back(l);
    } catch (const InvalidInput&) {  // too coarse for this network
    }
  }
  return levels;
}

}  // namespace mano
