#include "apps/ensemble/outcome.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "apps/options/command_line.hpp"
#include "apps/options/progress.hpp"

namespace mano {

namespace {

using nlohmann::json;

json interval_json(const Interval& i) {
  return {i.low, i.high};
}

json or_null(const std::optional<double>& value) {
  return value ? json(*value) : json(nullptr);
}

json resolution_json(const Grid& g) {
  return {g.nx, g.ny};
}

json quantity_json(const EnsembleOutcome& o, std::size_t q) {
  const Estimate& e = o.result.estimates[q];
  json j{{"name", o.quantities[q].name},
         {"mean", e.mean},
         {"mean_interval", interval_json(e.mean_interval)},
         {"variance", e.variance},
         {"variance_interval", interval_json(e.variance_interval)},
         {"standard_error", e.error},
         {"tolerance", o.tolerances[q]},
         {"bias_bound", o.result.bias[q]},
         {"alpha", or_null(o.result.rates[q].alpha)},
         {"beta", or_null(o.result.rates[q].beta)}};
  if (!o.units[q].empty()) j["unit"] = o.units[q];
  const std::vector<Quantile> quantiles = o.quantiles(q);
  for (std::size_t p = 0; p < quantiles.size(); ++p) {
    const std::string name = fmt::format("p{:.0f}", 100 * kPercentiles[p]);
    j[name] = quantiles[p].value;
    j[name + "_interval"] = quantiles[p].interval ? interval_json(*quantiles[p].interval) : json(nullptr);
  }
  return j;
}

json level_json(const EnsembleOutcome& o, std::size_t t) {
  const Term& term = o.result.terms[t];
  const TermSeconds& s = o.seconds_by_term[t];
  json j{{"resolution", resolution_json(o.grids[term.fine.level])},
         {"model", term.fine.surrogate ? "surrogate" : "solver"},
         {"samples", o.result.samples[0][t].size()},
         {"seconds_per_sample", s.samples > 0 ? s.all() / static_cast<double>(s.samples) : 0.0}};
  if (term.coarse) {
    j["minus"] = {{"resolution", resolution_json(o.grids[term.coarse->level])},
                  {"model", term.coarse->surrogate ? "surrogate" : "solver"}};
  }
  for (std::size_t q = 0; q < o.quantities.size(); ++q) {
    const LevelSamples& samples = o.result.samples[q][t];
    const Moments y = moments_of(samples.corrections());
    const Moments whole = moments_of(samples.fine);
    const json numbers{{"name", o.quantities[q].name}, {"mean", y.mean},
                       {"variance", y.variance},       {"kurtosis", y.kurtosis},
                       {"level_mean", whole.mean},     {"level_variance", whole.variance}};
    j["quantities"].push_back(numbers);
    if (q > 0) continue;
    for (const char* key : {"mean", "variance", "kurtosis"}) j[key] = numbers[key];
  }
  return j;
}

std::string interval_text(const std::optional<Interval>& i) {
  return i ? fmt::format("[{:.6g}, {:.6g}]", i->low, i->high) : "[too few samples]";
}

void print_quantity(const EnsembleOutcome& o, std::size_t q) {
  const Estimate& e = o.result.estimates[q];
  say(fmt::format("{}", with_unit(o.quantities[q].name, o.units[q])));
  say(fmt::format("  mean {:.6g}, {:.0f} % sure between {:.6g} and {:.6g} (+-{:.2g}; asked for +-{:g})",
                  e.mean, 100 * kConfidence, e.mean_interval.low, e.mean_interval.high, e.half_width(),
                  o.tolerances[q]));
  say(fmt::format("  standard deviation {:.4g}; variance {:.4g} {}", std::sqrt(std::max(0.0, e.variance)),
                  e.variance, interval_text(e.variance_interval)));
  const std::vector<Quantile> p = o.quantiles(q);
  say(fmt::format("  P10 {:.6g} {}, P50 {:.6g} {}, P90 {:.6g} {}", p[0].value, interval_text(p[0].interval),
                  p[1].value, interval_text(p[1].interval), p[2].value, interval_text(p[2].interval)));
}

void print_levels(const EnsembleOutcome& o, std::size_t q) {
  say(fmt::format("  {:<26} {:>9} {:>13} {:>13} {:>9} {:>12}", "level", "samples", "mean", "variance",
                  "kurtosis", "ms a sample"));
  for (std::size_t t = 0; t < o.result.terms.size(); ++t) {
    const LevelSamples& samples = o.result.samples[q][t];
    const Moments y = moments_of(samples.corrections());
    const TermSeconds& s = o.seconds_by_term[t];
    say(fmt::format("  {:<26} {:>9} {:>13.6g} {:>13.4g} {:>9.3g} {:>12.4g}", o.name_of(o.result.terms[t]),
                    samples.size(), y.mean, y.variance, y.kurtosis,
                    1e3 * s.all() / std::max<double>(1.0, static_cast<double>(s.samples))));
  }
}

}  // namespace

std::vector<Quantile> EnsembleOutcome::quantiles(std::size_t q) const {
  std::vector<double> sorted = result.samples[q].back().fine;
  std::sort(sorted.begin(), sorted.end());
  std::vector<Quantile> all;
  for (double p : kPercentiles) all.push_back(quantile_of(sorted, p));
  return all;
}

std::string EnsembleOutcome::name_of(const Term& term) const {
  const auto grid = [&](const LevelModel& m) { return grids[m.level].resolution(); };
  if (term.fine.surrogate) return "surrogate at " + grid(term.fine);
  if (!term.coarse) return grid(term.fine);
  return grid(term.fine) + " - " + (term.coarse->surrogate ? "surrogate" : grid(*term.coarse));
}

json to_json(const EnsembleOutcome& o) {
  json j{{"command", "ensemble"},
         {"reached", o.result.reached},
         {"truth", o.truth_is_finest ? "finest grid" : "limit of fine grids"},
         {"seconds", o.seconds},
         {"wall_seconds", o.wall_seconds},
         {"seconds_plain_monte_carlo", o.plain.seconds},
         {"seconds_per_sample_plain_monte_carlo", o.plain.seconds_per_sample},
         {"surrogate_saves", 0.0},
         {"gamma", or_null(o.result.gamma)}};
  for (std::size_t q = 0; q < o.quantities.size(); ++q) j["quantities"].push_back(quantity_json(o, q));
  for (std::size_t t = 0; t < o.result.terms.size(); ++t) j["levels"].push_back(level_json(o, t));
  if (const auto& s = o.result.surrogate) {
    j["surrogate_saves"] = s->used ? s->saves : 0.0;
    j["surrogate"] = {{"model", o.model},
                      {"used", s->used},
                      {"resolution", resolution_json(o.grids[s->level])},
                      {"scale", s->scale},
                      {"correlation", s->correlation},
                      {"would_save", s->saves}};
  }
  if (!o.plain.estimates.empty()) {
    json plain{{"samples", o.plain.samples}, {"seconds", o.plain.seconds_measured}};
    for (std::size_t q = 0; q < o.quantities.size(); ++q) {
      const Estimate& e = o.plain.estimates[q];
      plain["quantities"].push_back({{"name", o.quantities[q].name},
                                     {"mean", e.mean},
                                     {"mean_interval", interval_json(e.mean_interval)},
                                     {"variance", e.variance},
                                     {"variance_interval", interval_json(e.variance_interval)}});
    }
    j["plain_monte_carlo"] = plain;
  }
  return j;
}

std::string surrogate_line(const EnsembleOutcome& o) {
  const auto& s = o.result.surrogate;
  if (!s) return "";
  const std::string grid = o.grids[s->level].resolution();
  if (s->used && s->saves > 0)
    return fmt::format("the surrogate saves {:.0f} %: at {} it stands below the solver", 100 * s->saves,
                       grid);
  if (s->used)
    return fmt::format(
        "the surrogate at {} makes it {:.3g} times as dear, and is used all the same (--always-model)", grid,
        1 - s->saves);
  if (s->hopeless)
    return fmt::format(
        "the surrogate saves 0 %: even if it were perfect, it would take {:.3g} times as long at {} as the "
        "solver's "
        "coarse grids",
        1 - s->saves, grid);
  if (s->saves <= 0)
    return fmt::format(
        "the surrogate saves 0 %: at {} it would take {:.3g} times as long as the solver's coarse grids",
        grid, 1 - s->saves);
  return fmt::format("the surrogate saves 0 %: at {} it might save {:.0f} %, too little to be sure of", grid,
                     100 * s->saves);
}

std::string truth_line(const EnsembleOutcome& o) {
  if (o.truth_is_finest)
    return fmt::format("the truth is the solution at {} by definition (--resolution)",
                       o.finest().resolution());
  return fmt::format(
      "the truth is the limit of fine grids; {} is fine enough, its bias is in the interval of the mean",
      o.finest().resolution());
}

std::string plain_line(const EnsembleOutcome& o) {
  const double times = o.plain.seconds / o.seconds;
  return fmt::format("processor time {}; plain Monte Carlo at {} would take {} for the same tolerance: {}",
                     duration_text(o.seconds), o.finest().resolution(), duration_text(o.plain.seconds),
                     times >= 1 ? fmt::format("{:.3g} times as much", times)
                                : fmt::format("it is {:.3g} times cheaper here", 1 / times));
}

void print_outcome(const EnsembleOutcome& o) {
  say(o.description);
  for (std::size_t q = 0; q < o.quantities.size(); ++q) {
    print_quantity(o, q);
    print_levels(o, q);
    const Rates& r = o.result.rates[q];
    if (r.alpha && r.beta && o.result.gamma)
      say(fmt::format(
          "  rates by halving of the cell: alpha {:.2f} (mean), beta {:.2f} (variance), gamma {:.2f} (cost)",
          *r.alpha, *r.beta, *o.result.gamma));
  }
  say(truth_line(o));
  if (const std::string line = surrogate_line(o); !line.empty()) say(line);
  say(plain_line(o));
  for (std::size_t q = 0; q < o.plain.estimates.size(); ++q) {
    const Estimate& e = o.plain.estimates[q];
    say(fmt::format("plain Monte Carlo, {} samples in {}: {} {:.6g} [{:.6g}, {:.6g}], variance {:.4g} {}",
                    o.plain.samples, duration_text(o.plain.seconds_measured), o.quantities[q].name, e.mean,
                    e.mean_interval.low, e.mean_interval.high, e.variance,
                    interval_text(e.variance_interval)));
  }
}

}  // namespace mano
