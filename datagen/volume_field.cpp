#include "datagen/volume_field.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "datagen/counter_random.hpp"
#include "datagen/volume_gaussian.hpp"

namespace mano {

namespace {

using std::numbers::pi;

constexpr double kBeltAmplitude = 0.1;  // of the domain's width

Field layered(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kLayerStream, sample);
  std::vector<double> tops(spec.layers - 1);
  for (int l = 0; l + 1 < spec.layers; ++l) tops[l] = random.uniform(l) * grid.lz;
  std::sort(tops.begin(), tops.end());
  Field k(grid);
  for (int layer = 0; layer < grid.nz; ++layer) {
    const auto number = std::upper_bound(tops.begin(), tops.end(), grid.z(layer)) - tops.begin();
    const double value = std::exp(spec.mean + spec.deviation * random.normal(number, 1));
    std::fill_n(k.values.begin() + static_cast<std::ptrdiff_t>(grid.index(0, 0, layer)), grid.layer(), value);
  }
  return k;
}

Field channels(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kChannelStream, sample);
  Field k(grid, 1.0);
  for (int layer = 0; layer < grid.nz; ++layer) {
    const auto unit_of = [&](int l) { return std::min(spec.layers - 1, static_cast<int>(spec.layers * (l + 0.5) / grid.nz)); };
    const int unit = unit_of(layer);
    if (layer > 0 && unit_of(layer - 1) == unit) {
      std::copy_n(&k(0, 0, layer - 1), grid.layer(), &k(0, 0, layer));
      continue;
    }
    for (int c = 0; c < spec.channels; ++c) {
      const double across = random.uniform(c, 2 * unit);  // of the domain's width; it wraps round
      const double phase = random.uniform(c, 2 * unit + 1);
      for (int i = 0; i < grid.nx; ++i) {
        const double centre = across + kBeltAmplitude * std::sin(2 * pi * (grid.x(i) / grid.lx + phase));
        for (int j = 0; j < grid.ny; ++j) {
          double distance = grid.y(j) / grid.ly - centre;
          distance -= std::round(distance);
          if (std::abs(distance) < 0.5 * spec.channel_width) k(i, j, layer) = spec.contrast;
        }
      }
    }
  }
  return k;
}

}  // namespace

Field draw_volume(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  if (spec.kind == "layered") return layered(spec, seed, sample, grid);
  if (spec.kind == "channels") return channels(spec, seed, sample, grid);
  if (spec.kind == "two-phase") {
    Field g = draw_volume_neumann_gaussian(kTwoPhaseTau, seed, sample, grid);
    for (double& value : g.values) value = value > 0 ? spec.high : spec.low;
    return g;
  }
  Field k = draw_volume_matern_gaussian(spec, seed, sample, grid);
  for (double& value : k.values) value = std::exp(spec.mean + spec.deviation * value);
  return k;
}

double volume_field_memory(const FieldSpec& spec, const Grid& grid) {
  const double cells = sizeof(double) * static_cast<double>(grid.cells());
  return spec.kind == "lognormal" ? volume_matern_memory(spec, grid) : cells;
}

}  // namespace mano
