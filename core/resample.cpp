#include "core/resample.hpp"

#include <algorithm>
#include <cmath>

namespace mano {

namespace {

struct LinearWeight {
  int left = 0;
  int right = 0;
  double weight_right = 0.0;
};

// Weights of the n_target points over n_source points along one axis of length 1.
std::vector<LinearWeight> linear_weights(int n_source, int n_target, Location location) {
  const double offset = location == Location::cell ? 0.5 : 0.0;
  std::vector<LinearWeight> weights(n_target);
  for (int t = 0; t < n_target; ++t) {
    const double position = (t + offset) / n_target * n_source - offset;  // in units of source spacing
    const int left = std::clamp(static_cast<int>(std::floor(position)), 0, std::max(n_source - 2, 0));
    weights[t] = {left, std::min(left + 1, n_source - 1), n_source > 1 ? position - left : 0.0};
  }
  return weights;
}

struct Overlap {
  int source = 0;
  double weight = 0.0;
};

// For each target cell the source cells that it overlaps, and the fraction of the target that each covers.
std::vector<std::vector<Overlap>> overlap_weights(int n_source, int n_target) {
  std::vector<std::vector<Overlap>> overlaps(n_target);
  for (int t = 0; t < n_target; ++t) {
    const double begin = static_cast<double>(t) * n_source / n_target;
    const double end = static_cast<double>(t + 1) * n_source / n_target;
    for (int s = static_cast<int>(begin); s < n_source && s < end; ++s) {
      const double covered = std::min(end, s + 1.0) - std::max(begin, static_cast<double>(s));
      if (covered > 0) overlaps[t].push_back({s, covered / (end - begin)});
    }
  }
  return overlaps;
}

Grid with_resolution(const Grid& grid, const Resolution& r) {
  return {r.nx, r.ny, grid.lx, grid.ly};
}

}  // namespace

Field interpolate_to(const Field& field, const Resolution& target, Location location) {
  Field result(with_resolution(field.grid, target));
  const auto wx = linear_weights(field.grid.nx, target.nx, location);
  const auto wy = linear_weights(field.grid.ny, target.ny, location);
  for (int j = 0; j < target.ny; ++j) {
    for (int i = 0; i < target.nx; ++i) {
      const auto& [l, r, wr] = wx[i];
      const auto& [b, t, wt] = wy[j];
      result(i, j) = (1 - wt) * ((1 - wr) * field(l, b) + wr * field(r, b)) +
                     wt * ((1 - wr) * field(l, t) + wr * field(r, t));
    }
  }
  return result;
}

Field restrict_to(const Field& fine, const Resolution& coarse, Location location) {
  if (location == Location::node) return interpolate_to(fine, coarse, location);
  Field result(with_resolution(fine.grid, coarse));
  const auto ox = overlap_weights(fine.grid.nx, coarse.nx);
  const auto oy = overlap_weights(fine.grid.ny, coarse.ny);
  for (int j = 0; j < coarse.ny; ++j) {
    for (int i = 0; i < coarse.nx; ++i) {
      double mean = 0.0;
      for (const auto& y : oy[j]) {
        for (const auto& x : ox[i]) mean += x.weight * y.weight * fine(x.source, y.source);
      }
      result(i, j) = mean;
    }
  }
  return result;
}

}  // namespace mano
