#include "apps/pictures/curve.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/files.hpp"

namespace mano {

namespace {

std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) text.insert(at, "'");
  return "'" + text + "'";
}

std::string script_of(const CurveChart& chart, const std::string& output) {
  const bool many = chart.curves.size() > 5;  // names above would take the place of the chart
  std::string s =
      fmt::format("set terminal pngcairo size {},500 font 'DejaVu Sans,13' noenhanced\n", many ? 960 : 680);
  s += fmt::format("set output {}\nset title {}\nset xlabel {}\nset ylabel {}\n", quoted(output),
                   quoted(chart.title), quoted(chart.x_label), quoted(chart.y_label));
  s += fmt::format("set grid lc rgb '#dddddd'\nset key outside {}\nset border 3\nset tics nomirror\n",
                   many ? "right top vertical Left reverse" : "top center horizontal");
  if (chart.log_x) s += "set logscale x\n";
  if (chart.log_y) s += "set logscale y\n";
  if (!chart.x_ticks.empty()) {
    s += "set xtics rotate by -30 (";
    for (const auto& [x, label] : chart.x_ticks)
      s += fmt::format("{}{} {}", s.back() == '(' ? "" : ", ", quoted(label), x);
    s += ")\n";
  }
  // Colours of Okabe and Ito, which colour-blind readers can tell apart.
  constexpr int kColours = 6;
  const char* colours[kColours] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
  s += "plot ";
  for (std::size_t c = 0; c < chart.curves.size(); ++c) {
    const bool few = chart.curves[c].x.size() <= 12;
    const int round = static_cast<int>(c) / kColours;  // the colours again, with other marks and dashes
    s += fmt::format("{}'-' with {} lw 2 pt {} ps 1.3 dt {} lc rgb '{}' title {}", c ? ", " : "",
                     few ? "linespoints" : "lines", round == 0 ? 7 : 8 + round, 1 + round,
                     colours[c % kColours], quoted(chart.curves[c].title));
  }
  s += "\n";
  for (const Curve& curve : chart.curves) {
    for (std::size_t i = 0; i < curve.x.size(); ++i) s += fmt::format("{} {}\n", curve.x[i], curve.y[i]);
    s += "e\n";
  }
  return s;
}

std::string script_of(const std::vector<std::string>& classes, const std::vector<std::vector<double>>& counts,
                      const std::string& output) {
  std::string ticks, cells;
  for (std::size_t r = 0; r < classes.size(); ++r) {
    ticks += fmt::format("{}{} {}", r ? ", " : "", quoted(classes[r]), r);
    double sum = 0.0;
    for (double n : counts[r]) sum += n;
    for (std::size_t c = 0; c < classes.size(); ++c)
      cells += fmt::format("{} {} {} {:.0f}\n", c, r, sum > 0 ? counts[r][c] / sum : 0.0, counts[r][c]);
  }
  return fmt::format(
      "set terminal pngcairo size 680,560 font 'DejaVu Sans,13' noenhanced\nset output {}\n"
      "set title 'Which kind is taken for which'\nset xlabel 'taken for'\nset ylabel 'kind'\n"
      "set xtics ({})\nset ytics ({})\nset tics nomirror scale 0\nset xrange [-0.5:{}]\nset yrange "
      "[{}:-0.5]\n"
      "set palette defined (0 '#ffffff', 1 '#0072b2')\nset cbrange [0:1]\nset cblabel 'share of the kind'\n"
      "$d << EOD\n{}EOD\n"
      "plot $d using 1:2:3 with image notitle, "
      "$d using 1:2:(sprintf('%d', $4)):($3 > 0.5 ? 0xffffff : 0x000000) with labels tc rgb variable "
      "notitle\n",
      quoted(output), ticks, ticks, static_cast<double>(classes.size()) - 0.5,
      static_cast<double>(classes.size()) - 0.5, cells);
}

bool run_gnuplot(const std::string& script) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // where gnuplot is absent, the pipe breaks
  std::FILE* pipe = ::popen("gnuplot 2>/dev/null", "w");
  if (pipe != nullptr) std::fputs(script.c_str(), pipe);
  const bool drawn = pipe != nullptr && ::pclose(pipe) == 0;
  std::signal(SIGPIPE, before);
  return drawn;
}

// The picture that gnuplot draws by script(its path), by rename.
template <typename Script>
std::string drawn_by(const std::filesystem::path& path, const Script& script) {
  const std::string temporary = path.string() + ".tmp.png";
  const bool drawn = run_gnuplot(script(temporary));
  std::error_code error;
  if (!drawn || std::filesystem::file_size(temporary, error) == 0 || error) {
    std::filesystem::remove(temporary, error);
    return "";
  }
  std::filesystem::rename(temporary, path);
  return path.string();
}

}  // namespace

std::string draw_chart(const std::filesystem::path& path, const CurveChart& chart) {
  if (chart.curves.empty()) return "";
  return drawn_by(path, [&](const std::string& output) { return script_of(chart, output); });
}

std::string draw_histogram(const std::filesystem::path& path, const std::string& title,
                           const std::string& x_label, const std::vector<double>& values,
                           const std::vector<std::pair<double, std::string>>& marks) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (values.empty() || !(*most > *least)) return "";
  const auto classes =
      static_cast<std::size_t>(std::clamp(std::sqrt(static_cast<double>(values.size())), 8.0, 40.0));
  const double low = *least;
  const double width = (*most - low) / static_cast<double>(classes);
  std::vector<std::size_t> counts(classes, 0);
  for (double v : values) ++counts[std::min(classes - 1, static_cast<std::size_t>((v - low) / width))];
  return drawn_by(path, [&](const std::string& output) {
    std::string s = "set terminal pngcairo size 680,500 font 'DejaVu Sans,13' noenhanced\n";
    s += fmt::format("set output {}\nset title {}\nset xlabel {}\nset ylabel 'samples'\n", quoted(output),
                     quoted(title), quoted(x_label));
    s += "set border 3\nset tics nomirror\nset yrange [0:*]\nset style fill solid 0.7 noborder\nset key "
         "outside top "
         "center horizontal\n";
    const std::size_t highest = *std::max_element(counts.begin(), counts.end());
    for (const auto& [x, label] : marks) {
      s += fmt::format("set arrow from {},0 to {},{} nohead lw 2 lc rgb '#d55e00' front\n", x, x, highest);
      s += fmt::format("set label {} at {},{} center offset 0,0.6 tc rgb '#d55e00'\n", quoted(label), x,
                       highest);
    }
    s += fmt::format("plot '-' using 1:2 with boxes lc rgb '#0072b2' notitle\n");
    for (std::size_t c = 0; c < classes; ++c)
      s += fmt::format("{} {}\n", low + (static_cast<double>(c) + 0.5) * width, counts[c]);
    return s + "e\n";
  });
}

std::string draw_confusion(const std::filesystem::path& path, const std::vector<std::string>& classes,
                           const std::vector<std::vector<double>>& counts) {
  return drawn_by(path, [&](const std::string& output) { return script_of(classes, counts, output); });
}

std::string draw_training_curve(const std::filesystem::path& run) {
  Curve training{"training", {}, {}};
  Curve held_out{"held out", {}, {}};
  Curve left{"refinement: part of the error left", {}, {}};
  double base_epochs = 0;
  bool classes = false;
  std::ifstream lines(run / "log.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (entry.is_discarded()) continue;
    const std::string stage = entry.value("stage", "base");
    if (stage == "refinement") {
      left.x.push_back(base_epochs + static_cast<double>(entry["epoch"]));
      left.y.push_back(entry["validation_relative_l2"]);
      continue;
    }
    base_epochs = entry["epoch"];
    training.x.push_back(entry["epoch"]);
    classes = classes || stage == "classes";
    training.y.push_back(entry[classes ? "train_cross_entropy" : "train_relative_l2"]);
    held_out.x.push_back(entry["epoch"]);
    held_out.y.push_back(entry[classes ? "validation_cross_entropy" : "validation_relative_l2"]);
  }
  return draw_chart(run / "curve.png", {.title = "Training",
                                        .x_label = "epoch",
                                        .y_label = classes ? "mean cross-entropy" : "mean relative L2 error",
                                        .curves = left.x.empty() ? std::vector{training, held_out}
                                                                 : std::vector{training, held_out, left}});
}

}  // namespace mano
