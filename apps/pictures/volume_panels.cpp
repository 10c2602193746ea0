#include "apps/pictures/volume_panels.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/units.hpp"

namespace mano {

namespace {

using Vector = std::array<double, 3>;  // x, y, depth
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<double> numbers_of(const Field& field) {
  std::vector<double> numbers;
  for (double v : field.values) {
    if (!std::isnan(v)) numbers.push_back(v);
  }
  return numbers;
}

std::pair<double, double> whole_range(const Field& field) {
  const std::vector<double> numbers = numbers_of(field);
  const Range range = numbers.empty() ? Range{} : least_and_most(numbers);
  return {range.least, range.most};
}

double dot(const Vector& a, const Vector& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// A box that a parallel projection shows, and the cells in it.
class BoxView {
 public:
  BoxView(const Field& field, double threshold) : field_(field), threshold_(threshold) {
    const Grid& g = field.grid;
    const double breadth = std::max(g.lx, g.ly);
    box_ = {g.lx / breadth, g.ly / breadth, std::max(g.lz / breadth, 1.0 / 3)};
    cells_ = {g.nx, g.ny, g.nz};
    double least[2] = {1e9, 1e9};
    double most[2] = {-1e9, -1e9};
    for (int corner = 0; corner < 8; ++corner) {
      const Vector p = corner_at(corner);
      for (int d = 0; d < 2; ++d) {
        const double at = dot(p, d == 0 ? kRight : kUp);
        least[d] = std::min(least[d], at);
        most[d] = std::max(most[d], at);
      }
    }
    constexpr double kRoom = 0.12;  // for labels, in parts of the width
    pixel_ = (1 + 2 * kRoom) * (most[0] - least[0]) / kPanelPixels;
    left_ = least[0] - kRoom * (most[0] - least[0]);
    low_ = least[1] - kRoom * (most[0] - least[0]);
    height_ = static_cast<int>((most[1] - least[1] + 2 * kRoom * (most[0] - least[0])) / pixel_);
  }

  void draw(MapPanel& panel) const {
    Grid raster{kPanelPixels, height_, static_cast<double>(kPanelPixels), static_cast<double>(height_)};
    panel.field = Field(raster, kNone);
    panel.shade = Field(raster, 1.0);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < kPanelPixels; ++x) cast(panel, x, y);
    }
    constexpr int kNearest = 1;  // the corner (lx, 0, top): its edges hide others
    for (int corner = 0; corner < 8; ++corner) {
      for (int axis = 0; axis < 3; ++axis) {
        const int other = corner | 1 << axis;
        if (other != corner)
          edge(panel, corner_at(corner), corner_at(other), corner == kNearest || other == kNearest);
      }
    }
    label(panel, "x", {0.5 * box_[0], 0, box_[2]}, -0.08);
    label(panel, "y", {box_[0], 0.5 * box_[1], box_[2]}, -0.08);
    label(panel, "z", {0, 0, 0.5 * box_[2]}, 0.0, -0.04);
  }

 private:
  // From 30 degrees above, turned by 35: x runs right and towards the viewer, y right and away.
  static constexpr double kCosA = 0.819152, kSinA = 0.573576, kCosE = 0.866025, kSinE = 0.5;
  static constexpr Vector kRight{kCosA, kSinA, 0.0};
  static constexpr Vector kUp{-kSinE * kSinA, kSinE* kCosA, -kCosE};
  static constexpr Vector kAhead{-kCosE * kSinA, kCosE* kCosA, kSinE};

  Vector corner_at(int corner) const {
    return {corner & 1 ? box_[0] : 0.0, corner & 2 ? box_[1] : 0.0, corner & 4 ? box_[2] : 0.0};
  }

  bool shown(const std::array<int, 3>& at) const { return field_(at[0], at[1], at[2]) >= threshold_; }

  // Walks through the cells that the ray of a pixel meets, to the first one shown.
  void cast(MapPanel& panel, int x, int y) const {
    const double right = left_ + (x + 0.5) * pixel_;
    const double up = low_ + (y + 0.5) * pixel_;
    Vector at{};
    double enter = -1e9;
    double leave = 1e9;
    int face = 0;
    for (int d = 0; d < 3; ++d) {
      at[d] = right * kRight[d] + up * kUp[d];
      const double first = (kAhead[d] > 0 ? -at[d] : box_[d] - at[d]) / kAhead[d];
      if (first > enter) {
        enter = first;
        face = d;
      }
      leave = std::min(leave, (kAhead[d] > 0 ? box_[d] - at[d] : -at[d]) / kAhead[d]);
    }
    if (enter >= leave) return;
    std::array<int, 3> cell{};
    Vector next{};  // where the ray leaves the cell along each axis
    for (int d = 0; d < 3; ++d) {
      const double size = box_[d] / cells_[d];
      cell[d] = std::clamp(static_cast<int>((at[d] + enter * kAhead[d]) / size), 0, cells_[d] - 1);
      next[d] = ((cell[d] + (kAhead[d] > 0 ? 1 : 0)) * size - at[d]) / kAhead[d];
    }
    while (!shown(cell)) {
      face = static_cast<int>(std::min_element(next.begin(), next.end()) - next.begin());
      cell[face] += kAhead[face] > 0 ? 1 : -1;
      if (cell[face] < 0 || cell[face] >= cells_[face]) return;
      next[face] += box_[face] / cells_[face] / std::abs(kAhead[face]);
    }
    constexpr Vector kLight{0.8, 0.62, 1.0};  // on faces across x, y, z
    panel.field(x, y) = field_(cell[0], cell[1], cell[2]);
    panel.shade(x, y) = kLight[face];
  }

  void edge(MapPanel& panel, const Vector& a, const Vector& b, bool in_front) const {
    constexpr int kPoints = 3 * kPanelPixels;
    for (int n = 0; n <= kPoints; ++n) {
      const double w = static_cast<double>(n) / kPoints;
      const Vector p{(1 - w) * a[0] + w * b[0], (1 - w) * a[1] + w * b[1], (1 - w) * a[2] + w * b[2]};
      const int x = static_cast<int>((dot(p, kRight) - left_) / pixel_);
      const int y = static_cast<int>((dot(p, kUp) - low_) / pixel_);
      if (x < 0 || y < 0 || x >= kPanelPixels || y >= height_) continue;
      if (!in_front && !std::isnan(panel.field(x, y))) continue;
      panel.field(x, y) = kNone;
      panel.shade(x, y) = 0.6;
    }
  }

  void label(MapPanel& panel, const char* text, const Vector& p, double up, double right = 0.0) const {
    panel.labels.push_back({text, (dot(p, kRight) - left_) / pixel_ / kPanelPixels + right,
                            (dot(p, kUp) - low_) / pixel_ / height_ + up});
  }

  const Field& field_;
  double threshold_;
  Vector box_{};
  std::array<int, 3> cells_{};
  double pixel_ = 0.0, left_ = 0.0, low_ = 0.0;
  int height_ = 0;
};

}  // namespace

double quantile(const Field& field, double share) {
  std::vector<double> numbers = numbers_of(field);
  if (numbers.empty()) return 0.0;
  const auto at =
      numbers.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(numbers.size() - 1));
  std::nth_element(numbers.begin(), at, numbers.end());
  return *at;
}

std::array<MapPanel, 3> slices(const VolumePicture& picture, const SliceAt& at) {
  const Field& f = picture.field;
  const Grid& g = f.grid;
  const auto range = whole_range(f);
  MapPanel layer{fmt::format("{}, layer {}", picture.name, at.k + 1),
                 Field(Grid{g.nx, g.ny, g.lx, g.ly, g.x0, g.y0}), picture.scale, range};
  MapPanel row{fmt::format("{}, y = {:g}", picture.name, g.y(at.j)),
               Field(Grid{g.nx, g.nz, g.lx, g.lz, g.x0, g.z0}), picture.scale, range};
  MapPanel column{fmt::format("{}, x = {:g}", picture.name, g.x(at.i)),
                  Field(Grid{g.ny, g.nz, g.ly, g.lz, g.y0, g.z0}), picture.scale, range};
  layer.x_axis = row.x_axis = with_unit("x", picture.length_unit);
  layer.y_axis = column.x_axis = with_unit("y", picture.length_unit);
  row.y_axis = column.y_axis = with_unit("z", picture.length_unit);
  row.downward = column.downward = true;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) layer.field(i, j) = f(i, j, at.k);
  }
  for (int k = 0; k < g.nz; ++k) {
    const int from_below = g.nz - 1 - k;
    for (int i = 0; i < g.nx; ++i) row.field(i, from_below) = f(i, at.j, k);
    for (int j = 0; j < g.ny; ++j) column.field(j, from_below) = f(at.i, j, k);
  }
  return {layer, row, column};
}

MapPanel view_of_cells(const VolumePicture& picture, double threshold) {
  MapPanel panel{fmt::format("{} of at least {:.3g}", picture.name, threshold),
                 {},
                 picture.scale,
                 whole_range(picture.field)};
  BoxView(picture.field, threshold).draw(panel);
  return panel;
}

}  // namespace mano
