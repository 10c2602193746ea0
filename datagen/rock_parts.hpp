#pragma once
// What random rock is made of, in flat grids and in volumes (datagen/random_field.hpp). Private to datagen/.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "datagen/counter_random.hpp"
#include "datagen/random_field.hpp"

namespace mano {

/// `high` where g > 0, else `low`.
inline Field in_phases(Field g, const FieldSpec& spec) {
  for (double& value : g.values) value = value > 0 ? spec.high : spec.low;
  return g;
}

/// cos(pi m (i + 1/2) / n) as sign * cos(pi index (i + 1/2) / n) with index < n; sign 0 where it vanishes.
struct FoldedMode {
  int index = 0;
  double sign = 0.0;
};

inline FoldedMode fold_cosine(int m, int n) {
  const int remainder = m % (2 * n);
  const double sign = (m / (2 * n)) % 2 == 0 ? 1.0 : -1.0;
  if (remainder == n) return {0, 0.0};
  if (remainder < n) return {remainder, sign};
  return {2 * n - remainder, -sign};
}

/// Layers between uniform random depths; log k of each is N(mean, deviation^2).
class LayerStack {
 public:
  LayerStack(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, double thickness)
      : spec_(spec), random_(seed, kLayerStream, sample), tops_(spec.layers - 1) {
    for (std::size_t l = 0; l < tops_.size(); ++l)
      tops_[l] = random_.uniform(static_cast<std::int64_t>(l)) * thickness;
    std::sort(tops_.begin(), tops_.end());
  }
  double permeability_at(double depth) const {
    const auto layer = std::upper_bound(tops_.begin(), tops_.end(), depth) - tops_.begin();
    return std::exp(spec_.mean + spec_.deviation * random_.normal(layer, 1));
  }

 private:
  const FieldSpec& spec_;
  CounterRandom random_;
  std::vector<double> tops_;
};

/// A winding channel along x in layer k of the field: a sine about the part `across` of the width, which wraps round, so that no place is
/// preferred.
inline void draw_channel(const FieldSpec& spec, double across, double phase, int k, Field& field) {
  constexpr double kAmplitude = 0.1;  // of the domain's width
  const Grid& grid = field.grid;
  for (int i = 0; i < grid.nx; ++i) {
    const double centre =
        across + kAmplitude * std::sin(2 * std::numbers::pi * (grid.x(i) / grid.lx + phase));
    for (int j = 0; j < grid.ny; ++j) {
      double distance = grid.y(j) / grid.ly - centre;
      distance -= std::round(distance);
      if (std::abs(distance) < 0.5 * spec.channel_width) field(i, j, k) = spec.contrast;
    }
  }
}

}  // namespace mano
