#include "apps/ensemble/page.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "apps/options/progress.hpp"
#include "apps/pictures/curve.hpp"
#include "apps/pictures/page.hpp"
#include "core/files.hpp"
#include "core/machine.hpp"
#include "core/version.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

std::string drawn(const std::string& path) {
  return path.empty() ? "" : fs::path(path).filename().string();
}

std::vector<std::pair<double, std::string>> ticks(const EnsembleOutcome& o) {
  std::vector<std::pair<double, std::string>> t;
  for (std::size_t l = 0; l < o.result.terms.size(); ++l)
    t.emplace_back(static_cast<double>(l), o.name_of(o.result.terms[l]));
  return t;
}

// A number of each term; of the whole model or of the correction, where that is above zero: the axis is logarithmic.
Curve by_level(const EnsembleOutcome& o, const std::string& title,
               const std::function<double(std::size_t)>& number) {
  Curve curve{title, {}, {}};
  for (std::size_t t = 0; t < o.result.terms.size(); ++t) {
    const double y = number(t);
    if (!(y > 0)) continue;
    curve.x.push_back(static_cast<double>(t));
    curve.y.push_back(y);
  }
  return curve;
}

std::string level_chart(const fs::path& path, const EnsembleOutcome& o, std::size_t q, bool variance) {
  const auto number = [&](const std::vector<double>& values) {
    const Moments m = moments_of(values);
    return variance ? m.variance : std::abs(m.mean);
  };
  const auto& samples = o.result.samples[q];
  const std::string what = variance ? "variance" : "|mean|";
  std::vector<Curve> curves{
      by_level(o, what + " of Q", [&](std::size_t t) { return number(samples[t].fine); }),
      by_level(o, what + " of the correction", [&](std::size_t t) {
        return samples[t].coarse.empty() ? 0.0 : number(samples[t].corrections());
      })};
  std::erase_if(curves, [](const Curve& c) { return c.x.empty(); });
  return drawn(draw_chart(
      path, {.title = (variance ? "Variance by level: " : "Mean by level: ") + o.quantities[q].name,
             .x_label = "level",
             .y_label = what,
             .curves = curves,
             .x_ticks = ticks(o)}));
}

std::string work_chart(const fs::path& path, const EnsembleOutcome& o) {
  const auto per_sample = [&](std::size_t t) {
    const TermSeconds& s = o.seconds_by_term[t];
    return s.samples > 0 ? 1e3 * s.all() / static_cast<double>(s.samples) : 0.0;
  };
  return drawn(draw_chart(
      path,
      {.title = "Samples and cost by level",
       .x_label = "level",
       .y_label = "samples; milliseconds",
       .curves = {by_level(o, "samples",
                           [&](std::size_t t) { return static_cast<double>(o.result.samples[0][t].size()); }),
                  by_level(o, "milliseconds a sample", per_sample)},
       .x_ticks = ticks(o)}));
}

std::string histogram(const fs::path& path, const EnsembleOutcome& o, std::size_t q) {
  const std::vector<Quantile> p = o.quantiles(q);
  return drawn(draw_histogram(
      path, fmt::format("{} samples at {}", o.result.samples[q].back().size(), o.finest().resolution()),
      with_unit(o.quantities[q].name, o.units[q]), o.result.samples[q].back().fine,
      {{p[0].value, "P10"}, {p[1].value, "P50"}, {p[2].value, "P90"}}));
}

std::string between(const Interval& i) {
  return fmt::format("{:.5g} to {:.5g}", i.low, i.high);
}

std::string results_table(const EnsembleOutcome& o) {
  std::vector<Row> rows;
  for (std::size_t q = 0; q < o.quantities.size(); ++q) {
    const Estimate& e = o.result.estimates[q];
    Row row{with_unit(o.quantities[q].name, o.units[q]), fmt::format("{:.6g}", e.mean),
            between(e.mean_interval), fmt::format("{:.4g}", std::sqrt(std::max(0.0, e.variance)))};
    row.push_back(fmt::format("{:.4g} to {:.4g}", std::sqrt(std::max(0.0, e.variance_interval.low)),
                              std::sqrt(std::max(0.0, e.variance_interval.high))));
    for (const Quantile& p : o.quantiles(q))
      row.push_back(
          fmt::format("{:.5g} ({})", p.value, p.interval ? between(*p.interval) : "too few samples"));
    rows.push_back(std::move(row));
  }
  return table(
      {"quantity", "mean", "95 % interval", "standard deviation", "95 % interval", "P10", "P50", "P90"},
      rows);
}

std::string levels_table(const EnsembleOutcome& o, std::size_t q) {
  std::vector<Row> rows;
  for (std::size_t t = 0; t < o.result.terms.size(); ++t) {
    const Moments y = moments_of(o.result.samples[q][t].corrections());
    const TermSeconds& s = o.seconds_by_term[t];
    const double seconds = s.samples > 0 ? s.all() / static_cast<double>(s.samples) : 0.0;
    rows.push_back({o.name_of(o.result.terms[t]),
                    std::to_string(o.grids[o.result.terms[t].fine.level].cells()), std::to_string(y.samples),
                    fmt::format("{:.5g}", y.mean), fmt::format("{:.4g}", y.variance),
                    fmt::format("{:.3g}", y.kurtosis), fmt::format("{:.4g}", 1e3 * seconds),
                    fmt::format("{:.3g}", seconds * static_cast<double>(y.samples))});
  }
  return table({"level", "cells", "samples", "mean", "variance", "kurtosis", "ms a sample", "seconds"}, rows);
}

// Where the time of a sample goes.
std::string time_table(const EnsembleOutcome& o) {
  std::vector<Row> rows;
  for (std::size_t t = 0; t < o.result.terms.size(); ++t) {
    const TermSeconds& s = o.seconds_by_term[t];
    if (s.samples == 0) continue;
    const auto ms = [&](double seconds) {
      return fmt::format("{:.4g}", 1e3 * seconds / static_cast<double>(s.samples));
    };
    rows.push_back({o.name_of(o.result.terms[t]), ms(s.field), ms(s.fine), ms(s.coarse)});
  }
  return table({"milliseconds a sample", "rock", "fine grid", "coarse grid or surrogate"}, rows);
}

std::string quantity_section(const EnsembleOutcome& o, std::size_t q, const fs::path& folder) {
  const std::string label = std::to_string(q + 1);
  std::string h = fmt::format("<h2>{}</h2>\n", escaped(with_unit(o.quantities[q].name, o.units[q])));
  h += inline_picture(folder, histogram(folder / ("histogram-" + label + ".png"), o, q),
                      "Samples on the finest grid, and what ten, fifty and ninety in a hundred lie below");
  h += levels_table(o, q);
  const Rates& r = o.result.rates[q];
  if (r.alpha && r.beta) {
    h += fmt::format(
        "<p class=\"note\">By halving of the cell the variance of the corrections falls as "
        "2<sup>\u2212{:.2f}</sup> (beta)",
        *r.beta);
    if (*r.alpha > 0) h += fmt::format(", their mean as 2<sup>\u2212{:.2f}</sup> (alpha)", *r.alpha);
    h += ".</p>\n";
  }
  h += inline_picture(folder, level_chart(folder / ("means-" + label + ".png"), o, q, false),
                      "The mean on each grid stays; that of the correction to the next coarser grid falls");
  h += inline_picture(folder, level_chart(folder / ("variances-" + label + ".png"), o, q, true),
                      "The variance of the corrections falls: so fine grids need few samples");
  return h;
}

std::string lead(const EnsembleOutcome& o) {
  std::string text;
  for (std::size_t q = 0; q < o.quantities.size(); ++q) {
    const Estimate& e = o.result.estimates[q];
    text += fmt::format(
        "<p class=\"lead\"><b>{}: {:.5g} on average, give or take {:.2g}</b> (95 % sure). From rock to rock "
        "it "
        "varies with a standard deviation of {:.3g}.</p>\n",
        escaped(with_unit(o.quantities[q].name, o.units[q])), e.mean, e.half_width(),
        std::sqrt(std::max(0.0, e.variance)));
  }
  return text;
}

std::string page(const EnsembleOutcome& o, const fs::path& folder) {
  std::string h = page_head("mano: a quantity in uncertain rock", "A quantity in uncertain rock");
  h += "<p>" + escaped(o.description) + "</p>\n" + lead(o);
  if (!o.result.reached)
    h += "<p><b>The tolerance asked for was not reached; the intervals hold all the same.</b></p>\n";
  h += results_table(o);
  h += "<p class=\"note\"><i>Mean</i>: of the quantity over all rocks of this kind. Its interval says how "
       "well the mean is "
       "known, not how much a single rock differs: that is the standard deviation. <i>P10</i>: one rock in "
       "ten lies below it. "
       "Of a hundred such intervals, about ninety-five hold the true number.</p>\n";
  const auto sentence = [](std::string line) {
    line[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(line[0])));
    return "<p>" + escaped(line) + ".</p>\n";
  };
  h += "<h2>What it cost</h2>\n" + sentence(plain_line(o));
  if (const std::string line = surrogate_line(o); !line.empty()) h += sentence(line);
  h += sentence(truth_line(o));
  h += inline_picture(folder, work_chart(folder / "work.png", o),
                      "Many samples where they are cheap, few where they are dear");
  h += time_table(o);
  for (std::size_t q = 0; q < o.quantities.size(); ++q) h += quantity_section(o, q, folder);
  h += fmt::format(
      "<h2>How to read it</h2>\n<p>The solution on a coarse grid is cheap and a little wrong. Its mean comes "
      "from many samples; "
      "what it lacks of the next finer grid comes from few, since on both grids the rock is the same and the "
      "two solutions "
      "differ little. The sum of these means is the mean on the finest grid: multilevel Monte Carlo.</p>\n"
      "<h2>Files</h2>\n<p><code>ensemble.json</code> holds the numbers. Made by mano {} on {}, with "
      "<code>{}</code>.</p>\n"
      "</body></html>\n",
      kVersion, escaped(processor_name()), escaped(o.command_line));
  return h;
}

}  // namespace

void write_ensemble(const fs::path& folder, const EnsembleOutcome& o) {
  write_text_atomically(folder / "ensemble.json", to_json(o).dump(2) + "\n");
  write_text_atomically(folder / "report.html", page(o, folder));
}

}  // namespace mano
