#include "ensemble/multilevel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "ensemble/allocation.hpp"

namespace mano {

namespace {

constexpr std::size_t kMostPilot = 512;
constexpr std::size_t kSurrogateFirst = 16;  // for its time
constexpr std::size_t kSurrogatePilot = 64;
constexpr double kWorthwhile =
    0.05;  // part of the cost that a surrogate must save, since the pilot is not sure of it
constexpr double kGrowth = 4.0;  // of a level's samples in one round
constexpr int kMostRounds = 60;

using Variances = std::vector<std::vector<double>>;  // [quantity][term]

Term alone(LevelModel model) {
  return {.fine = model, .coarse = std::nullopt};
}
Term solver_pair(int level) {
  return {.fine = {level}, .coarse = level > 0 ? std::optional(LevelModel{level - 1}) : std::nullopt};
}
Term surrogate_pair(int level, bool pilot) {
  return {.fine = {level}, .coarse = LevelModel{level, true}, .pilot = pilot};
}

class Run {
 public:
  Run(TermSampler& sampler, const MultilevelOptions& options)
      : sampler_(sampler), o_(options), quantities_(options.tolerances.size()), finest_(options.finest) {}

  MultilevelResult run() {
    pilot(0);
    choose_coarsest();
    if (!o_.surrogate_levels.empty()) choose_surrogate();
    while (true) {
      result_.reached = sample_until_sure(is_truth() ? o_.finest_samples : o_.pilot);
      assess_bias();
      if (!result_.reached || !biased() || finest_ == o_.most) break;
      ++finest_;
      pilot(finest_);
      terms_.push_back(solver_pair(finest_));
    }
    if (result_.reached && !is_truth()) {
      result_.reached = sample_until_sure(o_.finest_samples);
      assess_bias();
    }
    result_.reached = result_.reached && !biased();
    finish();
    return std::move(result_);
  }

 private:
  bool is_truth() const { return o_.finest == o_.most; }
  // Part of the tolerance for chance; the rest is for the bias.
  double chance(std::size_t q) const { return (is_truth() ? 1.0 : 0.5) * o_.tolerances[q]; }

  double cost(const Term& t) const {
    return sampler_.cost(t.fine) + (t.coarse ? sampler_.cost(*t.coarse) : 0.0);
  }

  // From level `first` on.
  void pilot(int first) {
    std::vector<TermSampler::Wanted> wanted;
    for (int l = first; l <= finest_; ++l) {
      const double cheaper = cost(solver_pair(finest_)) / cost(solver_pair(l));
      const auto samples = static_cast<std::size_t>(static_cast<double>(o_.pilot) * std::sqrt(cheaper));
      wanted.push_back({solver_pair(l), std::clamp(samples, o_.pilot, std::max(o_.pilot, kMostPilot))});
    }
    draw_pilot(wanted);
  }

  void draw_pilot(const std::vector<TermSampler::Wanted>& wanted) {
    if (sampler_.draw(wanted)) return;
    for (const auto& w : wanted) {
      if (sampler_.drawn(w.term).at(0).size() < 2)
        throw RunFailed(
            "the time ran out before every level had its first samples: there is no estimate yet; the same "
            "command with more seconds goes on");
    }
  }

  // Solver's levels from `coarsest` on, its first one alone.
  std::vector<Term> solver_terms(int coarsest) const {
    std::vector<Term> terms;
    if (coarsest <= finest_) terms.push_back(alone({coarsest}));
    for (int l = coarsest + 1; l <= finest_; ++l) terms.push_back(solver_pair(l));
    return terms;
  }

  double pilot_variance(const Term& term, std::size_t q) {
    if (!term.coarse && term.fine.level > 0)
      return moments_of(sampler_.drawn(solver_pair(term.fine.level)).at(q).fine).variance;
    return moments_of(sampler_.drawn(term).at(q).corrections()).variance;
  }

  std::vector<double> bounds(double reach) const {
    std::vector<double> v;
    for (std::size_t q = 0; q < quantities_; ++q) v.push_back(std::pow(chance(q) / reach, 2));
    return v;
  }

  std::vector<double> costs_of(const std::vector<Term>& terms) const {
    std::vector<double> costs(terms.size());
    std::transform(terms.begin(), terms.end(), costs.begin(), [&](const Term& t) { return cost(t); });
    return costs;
  }

  double expected_cost(const Variances& variances, const std::vector<Term>& terms) const {
    return optimal_cost(variances, costs_of(terms), bounds(normal_quantile(0.5 + 0.5 * kConfidence)));
  }

  double expected_cost(const std::vector<Term>& terms) {
    Variances variances(quantities_);
    for (std::size_t q = 0; q < quantities_; ++q)
      for (const Term& t : terms) variances[q].push_back(pilot_variance(t, q));
    return expected_cost(variances, terms);
  }

  void choose_coarsest() {
    double least = std::numeric_limits<double>::infinity();
    for (int l = 0; l <= finest_; ++l) {
      const double expected = expected_cost(solver_terms(l));
      if (!(expected < least)) continue;
      least = expected;
      terms_ = solver_terms(l);
    }
    scale_.assign(quantities_, 1.0);
  }

  void choose_surrogate() {
    const double without = expected_cost(terms_);
    double least = std::numeric_limits<double>::infinity();
    SurrogateChoice best;
    for (int s : o_.surrogate_levels) {
      SurrogateChoice choice{.level = s};
      draw_pilot({{surrogate_pair(s, true), kSurrogateFirst}});
      double expected = least_with_surrogate(s);
      choice.hopeless = expected > (1 - kWorthwhile) * without;
      if (!choice.hopeless || o_.surrogate_always) {
        draw_pilot({{surrogate_pair(s, true), kSurrogatePilot}});
        expected = expected_with_surrogate(choice);
      }
      if (expected < least) {
        least = expected;
        choice.saves = without > 0 ? 1 - expected / without : 0.0;
        best = choice;
      }
      // On finer grids it takes no less time: where its own samples are too dear here, they are there.
      if (!o_.surrogate_always && cost_alone(s) > without) break;
    }
    best.used = o_.surrogate_always || (!best.hopeless && best.saves > kWorthwhile);
    if (best.used) {
      terms_ = surrogate_terms(best.level);
      scale_ = best.scale;
    }
    result_.surrogate = best;
  }

  // Of the surrogate's samples alone, as if they varied as the solver's.
  double cost_alone(int s) {
    Variances variances(quantities_);
    for (std::size_t q = 0; q < quantities_; ++q) variances[q] = {pilot_variance(alone({s}), q)};
    return expected_cost(variances, {alone({s, true})});
  }

  // As if the surrogate were the solver: no more than its time has to be known.
  double least_with_surrogate(int s) {
    const std::vector<Term> terms = surrogate_terms(s);
    Variances variances(quantities_);
    for (std::size_t q = 0; q < quantities_; ++q) {
      variances[q] = {pilot_variance(alone({s}), q), 0.0};
      for (std::size_t t = 2; t < terms.size(); ++t) variances[q].push_back(pilot_variance(terms[t], q));
    }
    return expected_cost(variances, terms);
  }

  std::vector<Term> surrogate_terms(int s) const {
    std::vector<Term> terms{alone({s, true}), surrogate_pair(s, false)};
    for (int l = s + 1; l <= finest_; ++l) terms.push_back(solver_pair(l));
    return terms;
  }

  // By the pilot; sets the scales c.
  double expected_with_surrogate(SurrogateChoice& choice) {
    const std::vector<Term> terms = surrogate_terms(choice.level);
    Variances variances(quantities_);
    for (std::size_t q = 0; q < quantities_; ++q) {
      const LevelSamples& both = sampler_.drawn(surrogate_pair(choice.level, true)).at(q);
      const double solver = moments_of(both.fine).variance;
      const double model = moments_of(both.coarse).variance;
      const double shared = covariance_of(both.fine, both.coarse);
      const double scale = best_scale(solver, model, shared, cost(terms[1]), cost(terms[0]));
      choice.scale.push_back(scale);
      choice.correlation.push_back(solver * model > 0 ? shared / std::sqrt(solver * model) : 0.0);
      variances[q] = {scale * scale * model,
                      std::max(0.0, solver - 2 * scale * shared + scale * scale * model)};
      for (std::size_t t = 2; t < terms.size(); ++t) variances[q].push_back(pilot_variance(terms[t], q));
    }
    return expected_cost(variances, terms);
  }

  LevelSamples samples_of(std::size_t term, std::size_t q) {
    LevelSamples s = sampler_.drawn(terms_[term]).at(q);
    const Term& t = terms_[term];
    if (t.fine.surrogate)
      for (double& v : s.fine) v *= scale_[q];
    if (t.coarse && t.coarse->surrogate)
      for (double& v : s.coarse) v *= scale_[q];
    return s;
  }

  std::vector<LevelSamples> levels_of(std::size_t q) {
    std::vector<LevelSamples> levels;
    for (std::size_t t = 0; t < terms_.size(); ++t) levels.push_back(samples_of(t, q));
    return levels;
  }

  // With at least so many on the finest level.
  bool sample_until_sure(std::size_t on_finest) {
    std::vector<std::size_t> have(terms_.size(), o_.pilot);
    have.back() = std::max(have.back(), on_finest);
    double reach = normal_quantile(0.5 + 0.5 * kConfidence);
    for (int round = 0; round < kMostRounds; ++round) {
      std::vector<TermSampler::Wanted> wanted;
      for (std::size_t t = 0; t < terms_.size(); ++t) wanted.push_back({terms_[t], have[t]});
      const bool in_time = sampler_.draw(wanted);
      for (std::size_t t = 0; t < terms_.size(); ++t) {
        have[t] = sampler_.drawn(terms_[t]).at(0).size();
        if (have[t] < 2)
          throw RunFailed(
              "the time ran out before every level had its first samples: there is no estimate yet");
      }
      if (estimate(reach)) return true;
      if (!in_time) return false;
      enlarge(have, reach);
    }
    return false;
  }

  // Whether every tolerance holds; else `reach` is the most standard errors that a half-width was of.
  bool estimate(double& reach) {
    result_.estimates.clear();
    reach = normal_quantile(0.5 + 0.5 * kConfidence);
    bool sure = true;
    for (std::size_t q = 0; q < quantities_; ++q) {
      const Estimate e = estimate_of(levels_of(q));
      if (e.error > 0) reach = std::max(reach, e.half_width() / e.error);
      sure = sure && e.half_width() <= chance(q);
      result_.estimates.push_back(e);
    }
    return sure;
  }

  void enlarge(std::vector<std::size_t>& have, double reach) {
    Variances variances(quantities_);
    const std::vector<double> costs = costs_of(terms_);
    for (std::size_t q = 0; q < quantities_; ++q)
      for (std::size_t t = 0; t < terms_.size(); ++t)
        variances[q].push_back(moments_of(samples_of(t, q).corrections()).variance);
    constexpr double kSurplus = 1.02;  // that the last round is not missed by a hair
    const std::vector<double> target = optimal_samples(variances, costs, bounds(reach));
    double spent = 0.0;
    double whole = 0.0;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const auto now = static_cast<double>(have[t]);
      const double goal = std::max(now, std::ceil(kSurplus * target[t]));
      spent += now * costs[t];
      whole += goal * costs[t];
      have[t] = static_cast<std::size_t>(std::min(goal, kGrowth * now));
    }
    if (o_.progress) o_.progress(spent, whole);
  }

  std::vector<LevelSamples> correction_samples(std::size_t q) {
    std::vector<LevelSamples> levels;
    for (const Term& t : terms_) {
      if (t.coarse && !t.coarse->surrogate) levels.push_back(sampler_.drawn(t).at(q));
    }
    return levels;
  }

  void assess_bias() {
    result_.bias.assign(quantities_, 0.0);
    result_.rates.clear();
    for (std::size_t q = 0; q < quantities_; ++q) {
      const std::vector<LevelSamples> corrections = correction_samples(q);
      result_.rates.push_back(rates_of(corrections));
      if (!is_truth()) result_.bias[q] = bias_bound(corrections, result_.rates[q].alpha);
    }
  }

  bool biased() const {
    for (std::size_t q = 0; q < quantities_; ++q) {
      if (result_.bias[q] > o_.tolerances[q] - chance(q)) return true;
    }
    return false;
  }

  void finish() {
    result_.terms = terms_;
    for (std::size_t q = 0; q < quantities_; ++q) {
      result_.samples.push_back(levels_of(q));
      Interval& interval = result_.estimates[q].mean_interval;
      interval.low -= result_.bias[q];
      interval.high += result_.bias[q];
    }
    std::vector<double> level, log_cost;
    for (const Term& t : terms_) {
      if (!t.coarse || t.coarse->surrogate) continue;
      level.push_back(t.fine.level);
      log_cost.push_back(std::log2(cost(t)));
    }
    if (level.size() >= 2) result_.gamma = slope_of(level, log_cost);
  }

  TermSampler& sampler_;
  const MultilevelOptions& o_;
  std::size_t quantities_;
  int finest_;
  std::vector<Term> terms_;
  std::vector<double> scale_;  // of the surrogate, by quantity
  MultilevelResult result_;
};

}  // namespace

std::uint64_t Term::stream() const {
  const auto code = [](const LevelModel& m) {
    return 2 * static_cast<std::uint64_t>(m.level) + (m.surrogate ? 1 : 0);
  };
  return (code(fine) * 64 + (coarse ? 1 + code(*coarse) : 0)) * 2 + (pilot ? 1 : 0);
}

MultilevelResult run_multilevel(TermSampler& sampler, const MultilevelOptions& options) {
  check(!options.tolerances.empty(), "no quantity");
  for (double t : options.tolerances) check(t > 0, "tolerance is {}; it must be above zero", t);
  return Run(sampler, options).run();
}

}  // namespace mano
