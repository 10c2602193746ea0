// The HTML page of a comparison.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include "apps/comparison.hpp"
#include "core/files.hpp"
#include "core/version.hpp"

namespace mano {

namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned triple = 0;
    for (std::size_t b = 0; b < 3; ++b)
      triple = triple << 8 | (i + b < bytes.size() ? static_cast<unsigned char>(bytes[i + b]) : 0);
    for (int d = 0; d < 4; ++d) out += i + d > bytes.size() ? '=' : kDigits[triple >> (18 - 6 * d) & 63];
  }
  return out;
}

std::string inline_picture(const std::filesystem::path& folder, const std::string& name,
                           const std::string& caption) {
  if (name.empty()) return "";
  return fmt::format(
      "<figure><img alt=\"{}\" src=\"data:image/png;base64,{}\"><figcaption>{}</figcaption></figure>\n",
      escaped(caption), base64(read_text(folder / name)), escaped(caption));
}

constexpr const char* kStyle = R"(
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; } figcaption { color: #555; font-size: .9rem; }
code { background: #f3f3f3; padding: .1rem .3rem; overflow-wrap: anywhere; }
@media print { body { max-width: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
)";

std::string table_of(const Comparison& c) {
  std::string t =
      "<div class=\"wide\"><table><tr><th>resolution</th><th>in training</th><th>samples</th><th>relative "
      "L2</th>"
      "<th>worst</th><th>interpolated from training</th><th>relative H1</th><th>surrogate, "
      "ms</th><th>solver, ms</th></tr>\n";
  for (const auto& r : c.resolutions) {
    const auto l2 = r.summary(&ComparedSample::relative_l2);
    const auto interpolated = r.interpolated();
    const auto solver = r.solver_seconds();
    t += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.4f}</td><td>{:.4f}</td><td>{}</td><td>{:.4f}</"
        "td><td>{:.3g}</td><td>{}</td></tr>\n",
        r.resolution.text(), r.seen_in_training ? "seen" : "unseen", r.samples.size(), l2.mean, l2.max,
        interpolated ? fmt::format("{:.4f}", interpolated->mean) : "–",
        r.summary(&ComparedSample::relative_h1).mean,
        1e3 * r.summary(&ComparedSample::seconds_surrogate).median,
        solver ? fmt::format("{:.3g}", 1e3 * solver->median) : "–");
  }
  return t + "</table></div>\n";
}

std::string model_section(const Comparison& c) {
  std::vector<std::string> resolutions;
  for (const auto& r : c.card.resolutions) resolutions.push_back(r.text());
  return fmt::format(
      "<p>{} parameters, trained at {} on {} data, set-up {}, domain {:g}x{:g}; epoch {}, relative L2 {:.4f} "
      "on held-out "
      "samples. Checkpoint <code>{}</code>, on {}.</p>\n",
      c.card.parameters, fmt::join(resolutions, ", "), escaped(c.card.field), escaped(c.card.setup),
      c.card.lx, c.card.ly, c.card.epoch, c.card.validation_l2, escaped(c.model), c.device);
}

}  // namespace

void write_report(const std::filesystem::path& folder, const Comparison& c) {
  std::string h =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>mano: surrogate and solver</title>\n<style>";
  h += kStyle;
  h += "</style></head><body>\n<h1>Surrogate and solver</h1>\n";
  for (const auto& r : c.resolutions) h += "<p>" + escaped(verdict(r)) + "</p>\n";
  h += table_of(c);
  h += fmt::format(
      "<p>Errors are those of the surrogate's pressure against the discrete solution on the same grid, means "
      "over the samples. "
      "Times are medians for one sample at a time: the surrogate on {} ({} threads), the solver (PETSc, "
      "conjugate "
      "gradients with algebraic "
      "multigrid, relative tolerance {:g}) on one core with set-up. Interpolated from training: the "
      "prediction at the training "
      "resolution, on the averaged permeability, interpolated bilinearly: the line to beat at an unseen "
      "resolution.</p>\n",
      c.device, c.threads, c.solver_tolerance);
  h += inline_picture(folder, c.errors_chart, "Mean relative L2 error by resolution");
  h += inline_picture(folder, c.times_chart, "Median time a sample by resolution");
  for (const auto& r : c.resolutions) {
    h += fmt::format("<h2>{} ({})</h2>\n", r.resolution.text(),
                     r.seen_in_training ? "seen in training" : "not seen in training");
    h += inline_picture(
        folder, r.maps,
        fmt::format(
            "Sample {} of {}: permeability, solver, surrogate on one colour scale, and their difference",
            r.samples.front().number, r.source));
  }
  h += "<h2>Model</h2>\n" + model_section(c);
  h += fmt::format(
      "<h2>Files</h2>\n<p><code>compare.pvd</code> opens all samples in ParaView, the resolutions as time "
      "steps; "
      "<code>compare.json</code> holds the numbers. Made by mano {} with "
      "<code>{}</code>.</p>\n</body></html>\n",
      kVersion, escaped(c.command_line));
  write_text_atomically(folder / "report.html", h);
}

}  // namespace mano
