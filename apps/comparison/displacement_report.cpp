// The HTML page of a comparison of displacements.

#include <fmt/core.h>

#include "apps/comparison/displacement_comparison.hpp"
#include "apps/pictures/page.hpp"
#include "core/files.hpp"
#include "core/version.hpp"

namespace mano {

void write_displacement_report(const std::filesystem::path& folder, const std::string& command_line,
                               const std::string& processor, const std::vector<NamedModel>& models,
                               const std::vector<ComparedDisplacements>& all) {
  const auto percent = [](double part) { return fmt::format("{:.2g}\u00a0%", 100 * part); };
  std::string h = page_head("mano compare", "Displacement: surrogate and simulator");
  for (const auto& c : all) h += "<p><b>" + escaped(verdict(c)) + "</b></p>\n";
  for (const auto& c : all) {
    h += fmt::format("<h2>{}</h2>\n<p>{} samples of {}.</p>\n", c.resolution.text(), c.samples,
                     escaped(c.source));
    for (const std::string& text : c.cautions) h += "<p><b>" + escaped(text) + "</b></p>\n";
    h += inline_picture(
        folder, c.work_chart,
        "Error of the saturation over the work of one core, both axes logarithmic. Left below is best.");
    std::vector<Row> rows;
    for (const DisplacementCurve& curve : c.curves) {
      for (const DisplacementPoint& p : curve.points)
        rows.push_back({curve.name, p.label, fmt::format("{:.3g}", 1e3 * p.seconds), percent(p.saturation),
                        percent(p.water_cut), percent(p.largest_cut), percent(p.recovery)});
    }
    h += table({"what", "how", "ms", "saturation", "cut, mean over time", "cut, largest", "recovery"}, rows);
    h += inline_picture(folder, c.maps,
                        "The first sample, by the simulator and by the most accurate network.");
    h += inline_picture(folder, c.cut_chart, "What the injected fluid is of all that leaves, first sample.");
    h += fmt::format("<p>ParaView: <code>{}</code>.</p>\n", escaped(c.animation));
  }
  h += fmt::format(
      "<h2>How it was measured</h2>\n<p class=\"note\">Milliseconds of processor time, median over the "
      "samples, on {}. Errors are means over "
      "the samples against the simulator on the same grid with a step tolerance of {:g}; saturation: "
      "relative L2 over space and the {} stored "
      "times; cut and recovery: absolute. A coarse simulator gets the geometric mean of the permeability; "
      "its saturation is refined without new extremes. The "
      "time of a network includes the first guess.</p>\n<p class=\"note\">Models: ",
      escaped(processor), kTruthTolerance, models.front().model->source().times().size());
  for (const NamedModel& named : models)
    h += fmt::format("{} ({} parameters) ", escaped(named.name), named.model->card().parameters);
  h += fmt::format("</p>\n<p class=\"note\">mano {}: <code>{}</code></p>\n</body></html>\n", kVersion,
                   escaped(command_line));
  write_text_atomically(folder / "report.html", h);
}

}  // namespace mano
