#pragma once
// Curves as PNG pictures, drawn by gnuplot. Where gnuplot is absent nothing is drawn, and the functions return "".

#include <filesystem>
#include <string>
#include <vector>

namespace mano {

struct Curve {
  std::string title;
  std::vector<double> x, y;
};

struct CurveChart {
  std::string title, x_label, y_label;
  bool log_x = false;
  bool log_y = true;
  std::vector<Curve> curves;
  std::vector<std::pair<double, std::string>> x_ticks;  ///< empty: gnuplot's own
};

/// Returns the path, or "" where gnuplot is absent or there is nothing to draw.
std::string draw_chart(const std::filesystem::path& path, const CurveChart& chart);

/// How many of `values` lie in each of equal classes, about the square root of their number, 8 to 40, with
/// vertical lines at `marks`.
std::string draw_histogram(const std::filesystem::path& path, const std::string& title,
                           const std::string& x_label, const std::vector<double>& values,
                           const std::vector<std::pair<double, std::string>>& marks);

/// Row r, column c: how often class r was taken for class c, as squares shaded by the share of the row, with their counts.
std::string draw_confusion(const std::filesystem::path& path, const std::vector<std::string>& classes,
                           const std::vector<std::vector<double>>& counts);

/// RUN/curve.png from RUN/log.jsonl.
std::string draw_training_curve(const std::filesystem::path& run);

}  // namespace mano
