#include "datagen/volume_field.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "datagen/counter_random.hpp"
#include "datagen/rock_parts.hpp"
#include "datagen/volume_gaussian.hpp"

namespace mano {

namespace {

Field layered(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const LayerStack layers(spec, seed, sample, grid.lz);
  Field k(grid);
  for (int layer = 0; layer < grid.nz; ++layer)
    std::fill_n(k.values.begin() + static_cast<std::ptrdiff_t>(grid.index(0, 0, layer)), grid.layer(),
                layers.permeability_at(grid.z(layer)));
  return k;
}

Field channels(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kChannelStream, sample);
  Field k(grid, 1.0);
  for (int layer = 0; layer < grid.nz; ++layer) {
    const auto unit_of = [&](int l) {
      return std::min(spec.layers - 1, static_cast<int>(spec.layers * (l + 0.5) / grid.nz));
    };
    const int unit = unit_of(layer);
    if (layer > 0 && unit_of(layer - 1) == unit) {
      std::copy_n(&k(0, 0, layer - 1), grid.layer(), &k(0, 0, layer));
      continue;
    }
    for (int c = 0; c < spec.channels; ++c)
      draw_channel(spec, random.uniform(c, 2 * unit), random.uniform(c, 2 * unit + 1), layer, k);
  }
  return k;
}

}  // namespace

Field draw_volume(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  if (spec.kind == "layered") return layered(spec, seed, sample, grid);
  if (spec.kind == "channels") return channels(spec, seed, sample, grid);
  if (spec.kind == "two-phase")
    return in_phases(draw_volume_neumann_gaussian(1 / spec.phase_length, seed, sample, grid), spec);
  Field k = draw_volume_matern_gaussian(spec, seed, sample, grid);
  for (double& value : k.values) value = std::exp(spec.mean + spec.deviation * value);
  return k;
}

double volume_field_memory(const FieldSpec& spec, const Grid& grid) {
  const double cells = sizeof(double) * static_cast<double>(grid.cells());
  return spec.kind == "lognormal" ? volume_matern_memory(spec, grid) : cells;
}

}  // namespace mano
