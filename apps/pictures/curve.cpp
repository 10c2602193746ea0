#include "apps/pictures/curve.hpp"

#include <fmt/core.h>

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
  std::string s = "set terminal pngcairo size 680,500 font 'DejaVu Sans,13' noenhanced\n";
  s += fmt::format("set output {}\nset title {}\nset xlabel {}\nset ylabel {}\n", quoted(output),
                   quoted(chart.title), quoted(chart.x_label), quoted(chart.y_label));
  s += "set grid lc rgb '#dddddd'\nset key outside top center horizontal\nset border 3\nset tics "
       "nomirror\n";
  if (chart.log_x) s += "set logscale x\n";
  if (chart.log_y) s += "set logscale y\n";
  if (!chart.x_ticks.empty()) {
    s += "set xtics rotate by -30 (";
    for (const auto& [x, label] : chart.x_ticks)
      s += fmt::format("{}{} {}", s.back() == '(' ? "" : ", ", quoted(label), x);
    s += ")\n";
  }
  // Colours of Okabe and Ito, which colour-blind readers can tell apart.
  const char* colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
  s += "plot ";
  for (std::size_t c = 0; c < chart.curves.size(); ++c) {
    const bool few = chart.curves[c].x.size() <= 12;
    s += fmt::format("{}'-' with {} lw 2 pt 7 lc rgb '{}' title {}", c ? ", " : "",
                     few ? "linespoints" : "lines", colours[c % 6], quoted(chart.curves[c].title));
  }
  s += "\n";
  for (const Curve& curve : chart.curves) {
    for (std::size_t i = 0; i < curve.x.size(); ++i) s += fmt::format("{} {}\n", curve.x[i], curve.y[i]);
    s += "e\n";
  }
  return s;
}

bool run_gnuplot(const std::string& script) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // where gnuplot is absent, the pipe breaks
  std::FILE* pipe = ::popen("gnuplot 2>/dev/null", "w");
  if (pipe != nullptr) std::fputs(script.c_str(), pipe);
  const bool drawn = pipe != nullptr && ::pclose(pipe) == 0;
  std::signal(SIGPIPE, before);
  return drawn;
}

}  // namespace

std::string draw_chart(const std::filesystem::path& path, const CurveChart& chart) {
  if (chart.curves.empty()) return "";
  const std::string temporary = path.string() + ".tmp.png";
  const bool drawn = run_gnuplot(script_of(chart, temporary));
  std::error_code error;
  if (!drawn || std::filesystem::file_size(temporary, error) == 0 || error) {
    std::filesystem::remove(temporary, error);
    return "";
  }
  std::filesystem::rename(temporary, path);
  return path.string();
}

std::string draw_training_curve(const std::filesystem::path& run) {
  Curve training{"training", {}, {}};
  Curve held_out{"held out", {}, {}};
  Curve left{"refinement: part of the error left", {}, {}};
  double base_epochs = 0;
  std::ifstream lines(run / "log.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (entry.is_discarded()) continue;
    if (entry.value("stage", "base") != "base") {
      left.x.push_back(base_epochs + static_cast<double>(entry["epoch"]));
      left.y.push_back(entry["validation_relative_l2"]);
      continue;
    }
    base_epochs = entry["epoch"];
    training.x.push_back(entry["epoch"]);
    training.y.push_back(entry["train_relative_l2"]);
    held_out.x.push_back(entry["epoch"]);
    held_out.y.push_back(entry["validation_relative_l2"]);
  }
  return draw_chart(run / "curve.png", {.title = "Training",
                                        .x_label = "epoch",
                                        .y_label = "mean relative L2 error",
                                        .curves = left.x.empty() ? std::vector{training, held_out}
                                                                 : std::vector{training, held_out, left}});
}

}  // namespace mano
