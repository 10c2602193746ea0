// The HTML page of a comparison.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/comparison/comparison.hpp"
#include "apps/pictures/page.hpp"
#include "core/files.hpp"
#include "core/version.hpp"

namespace mano {

namespace {

std::string percent(double part) {
  return fmt::format("{:.3g}\u00a0%", 100 * part);
}

std::string milliseconds(double seconds) {
  return fmt::format("{:.3g}", 1e3 * seconds);
}

std::string name_of(const ComparedResolution& r) {
  return r.resolution.text() + (r.seen_in_training ? " (seen)" : " (unseen)");
}

// The measures that any resolution has, with their meaning below.
std::string errors_table(const Comparison& c) {
  Row heading{"resolution", "samples"};
  std::vector<Row> rows;
  for (const auto& r : c.resolutions) rows.push_back({name_of(r), std::to_string(r.samples.size())});
  std::string meanings;
  for (const Measure& m : measures()) {
    if (std::none_of(c.resolutions.begin(), c.resolutions.end(),
                     [&](const ComparedResolution& r) { return r.summary(m.member).has_value(); }))
      continue;
    heading.emplace_back(m.heading);
    meanings +=
        fmt::format("{}<i>{}</i>: {}", meanings.empty() ? "" : "; ", escaped(m.heading), escaped(m.meaning));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto s = c.resolutions[r].summary(m.member);
      rows[r].push_back(s ? percent(s->mean) : "–");
    }
    if (m.member != &ComparedSample::relative_l2) continue;
    heading.emplace_back("worst");
    for (std::size_t r = 0; r < rows.size(); ++r)
      rows[r].push_back(percent(c.resolutions[r].summary(m.member)->max));
  }
  return table(heading, rows) +
         "<p class=\"note\">Means over the samples, of the surrogate against the discrete solution on the "
         "same grid. " +
         meanings + ".</p>\n";
}

std::string times_table(const Comparison& c) {
  std::vector<Row> rows;
  for (const auto& r : c.resolutions) {
    Row row{name_of(r), milliseconds(r.seconds_surrogate), milliseconds(r.seconds_in_batches),
            std::to_string(r.best_batch)};
    const WorkPoint* solver = solver_at_surrogate_error(r);
    row.push_back(solver != nullptr ? milliseconds(solver->seconds) : "–");
    row.push_back(solver != nullptr ? solver->label.substr(solver->label.find(' ') + 1) : "–");
    row.push_back(r.solver.points.empty() ? "–" : milliseconds(r.solver.points.back().seconds));
    rows.push_back(std::move(row));
  }
  return table({"milliseconds a field", "surrogate, one field", "surrogate, in batches", "batch size",
                "solver, at the surrogate's error", "its tolerance",
                fmt::format("solver, tolerance {:g}", c.solver_tolerance)},
               rows) +
         fmt::format(
             "<p class=\"note\">Medians, on {}. The surrogate runs on {}, the solver "
             "(PETSc, conjugate gradients with "
             "mano's multigrid) on one core, set-up included. Solver to the surrogate's error: the fastest "
             "tolerance that comes "
             "at least as near to the discrete solution.</p>\n",
             escaped(c.processor),
             c.device == "cpu" ? fmt::format("the CPU with {} thread{}", c.threads, c.threads == 1 ? "" : "s")
                               : "the GPU");
}

// What the surrogate knows of its own error, and whether it is right about it.
std::string trust_table(const Comparison& c) {
  std::vector<Row> rows;
  for (const auto& r : c.resolutions) {
    Row row{name_of(r)};
    const auto effectivity = r.summary(&ComparedSample::effectivity);
    row.push_back(effectivity ? fmt::format("{:.3f}", effectivity->mean) : "–");
    row.push_back(effectivity ? percent(*r.effective_part()) : "–");
    const auto covered = r.summary(&ComparedSample::covered);
    row.push_back(covered ? percent(covered->mean) : "–");
    row.push_back(r.unlike() ? fmt::format("{} of {}", *r.unlike(), r.samples.size()) : "–");
    rows.push_back(std::move(row));
  }
  std::string h =
      table({"resolution", "estimated over true error", "within 0.7 to 1.3", "in the prediction interval",
             "unlike training"},
            rows) +
      fmt::format(
          "<p class=\"note\"><i>Estimated over true error</i>: what two multigrid cycles find; 1 is perfect. "
          "<i>Prediction interval</i>: made to hold {:.0f} % of the points of many fields where it was "
          "calibrated; of few fields, or at other resolutions, it may hold less or more. <i>Unlike "
          "training</i>: samples whose permeability lies outside what training saw.</p>\n",
          100 * kCoverage);
  for (const auto& r : c.resolutions) {
    for (const auto& s : r.samples) {
      if (!s.unlike_training || s.unlike_training->empty()) continue;
      h += fmt::format("<p><b>Caution:</b> at {}, sample {} is unlike the training data: {}.</p>\n",
                       r.resolution.text(), s.number,
                       escaped(fmt::format("{}", fmt::join(*s.unlike_training, ", "))));
      break;  // the first says enough
    }
  }
  return h;
}

std::string resolution_section(const ComparedResolution& r, const std::filesystem::path& folder) {
  std::string h = fmt::format("<h2>{}</h2>\n", escaped(name_of(r)));
  h += inline_picture(
      folder, r.maps,
      fmt::format(
          "The worst of the {}, sample {} of {}: permeability; pressure by solver and surrogate on one "
          "colour scale; their difference, zero in white",
          r.samples.size(), r.samples[r.mapped].number, r.source));
  h += inline_picture(folder, r.work_chart,
                      "Error against the discrete solution over the time for it: lower left is better. The "
                      "surrogate alone is the first point of its line; cycles of multigrid correct it.");
  h += inline_picture(
      folder, r.cycles_chart,
      "What the surrogate is worth as an initial guess: error after multigrid cycles from three starts. " +
          initial_guess_verdict(r));
  return h;
}

std::string model_section(const Comparison& c) {
  std::vector<std::string> resolutions;
  for (const auto& r : c.card.resolutions) resolutions.push_back(r.text());
  std::string h = fmt::format(
      "<p>Predictions by method {}. {} parameters, trained at {} on {} data, problem {}, domain {:g}x{:g}; "
      "epoch {}, relative L2 {:.5f} "
      "on held-out samples. Checkpoint <code>{}</code>, hash <code>{}</code>.</p>\n",
      c.method, c.card.parameters, fmt::join(resolutions, ", "), escaped(c.card.field),
      escaped(c.card.problem_name), c.card.lx, c.card.ly, c.card.epoch, c.card.validation_l2,
      escaped(c.model), c.model_hash);
  for (const auto& [file, hash] : c.data)
    h += fmt::format("<p>Data <code>{}</code>, hash <code>{}</code>.</p>\n", escaped(file), hash);
  return h;
}

}  // namespace

void write_report(const std::filesystem::path& folder, const Comparison& c) {
  std::string h = page_head("mano: surrogate and solver", "Surrogate and solver");
  h += "<p class=\"lead\"><b>" + escaped(headline(c)) + "</b></p>\n";
  for (const auto& r : c.resolutions) h += "<p>" + escaped(verdict(r)) + "</p>\n";
  h += "<h2>How wrong it is</h2>\n" + errors_table(c);
  h += inline_picture(folder, c.errors_chart, "Mean relative L2 error by resolution");
  h += "<h2>What it costs</h2>\n" + times_table(c);
  h += inline_picture(folder, c.times_chart, "Median time a sample by resolution");
  h += "<h2>How well it knows its error</h2>\n" + trust_table(c);
  for (const auto& r : c.resolutions) h += resolution_section(r, folder);
  h += "<h2>Model</h2>\n" + model_section(c);
  h += fmt::format(
      "<h2>Files</h2>\n<p><code>compare.pvd</code> opens all samples in ParaView, the resolutions as time "
      "steps; <code>compare.json</code> holds the numbers, sample by sample. Made by mano {} (PETSc {}, "
      "LibTorch {}, VTK {}), with "
      "<code>{}</code>.{}</p>\n</body></html>\n",
      kVersion, kPetscVersion, kTorchVersion, kVtkVersion, escaped(c.command_line),
      !c.resolutions.front().solver.points.empty() && c.resolutions.front().cycles_chart.empty()
          ? " Without gnuplot no curves are drawn."
          : "");
  write_text_atomically(folder / "report.html", h);
}

}  // namespace mano
