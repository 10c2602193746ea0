#include "datagen/random_field.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/error.hpp"
#include "datagen/counter_random.hpp"
#include "datagen/rock_parts.hpp"
#include "datagen/volume_field.hpp"

namespace mano {

namespace {

Field draw_two_phase(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  return in_phases(draw_neumann_gaussian(1 / spec.phase_length, seed, sample, grid), spec);
}

Field draw_lognormal(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  Field k = draw_matern_gaussian(spec, seed, sample, grid);
  for (double& value : k.values) value = std::exp(spec.mean + spec.deviation * value);
  return k;
}

Field draw_layered(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const LayerStack layers(spec, seed, sample, grid.ly);
  Field k(grid);
  for (int j = 0; j < grid.ny; ++j)
    std::fill_n(k.values.begin() + static_cast<std::ptrdiff_t>(grid.index(0, j)), grid.nx,
                layers.permeability_at(grid.y(j)));
  return k;
}

Field draw_channels(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kChannelStream, sample);
  Field k(grid, 1.0);
  for (int c = 0; c < spec.channels; ++c)
    draw_channel(spec, random.uniform(c, 0), random.uniform(c, 1), 0, k);
  return k;
}

}  // namespace

void check_field_spec(const FieldSpec& s) {
  const auto positive = [](double value, const char* name) {
    check(std::isfinite(value) && value > 0, "{} is {}; it must be finite and above zero", name, value);
  };
  if (s.kind == "two-phase") {
    positive(s.low, "phases: the lower permeability");
    positive(s.high, "phases: the higher permeability");
    positive(s.phase_length, "correlation length");
  } else if (s.kind == "lognormal" || s.kind == "layered") {
    check(std::isfinite(s.mean) && std::abs(s.mean) < 200, "mean of log k is {}; it must lie within +-200",
          s.mean);
    check(s.deviation >= 0 && s.deviation < 20, "deviation of log k is {}; it must lie in [0, 20)",
          s.deviation);
    positive(s.correlation_length_x, "correlation length in x");
    positive(s.correlation_length_y, "correlation length in y");
    positive(s.correlation_length_z, "correlation length in z");
    check(s.smoothness >= 0.1 && s.smoothness <= 20, "smoothness is {}; it must lie in [0.1, 20]",
          s.smoothness);
    check(s.layers >= 1, "layers is {}; it must be at least 1", s.layers);
  } else if (s.kind == "channels") {
    check(s.channels >= 0, "channels is {}; it must not be negative", s.channels);
    check(s.channel_width > 0 && s.channel_width < 0.5, "channel width is {}; it must lie in (0, 0.5)",
          s.channel_width);
    positive(s.contrast, "contrast");
  } else {
    throw InvalidInput(
        fmt::format("field is '{}', expected two-phase, lognormal, layered, channels or file", s.kind));
  }
}

void check_field_spec(const FieldSpec& s, const Grid& grid) {
  check_field_spec(s);
  if (s.kind == "two-phase") {
    const double longest = 2 * std::max({grid.lx, grid.ly, grid.flat() ? 0.0 : grid.lz});
    check(s.phase_length <= longest, "correlation length is {}; it may be {}, twice the domain, at most",
          s.phase_length, longest);
  }
  if (s.kind != "lognormal") return;
  check(s.correlation_length_x <= 2 * grid.lx && s.correlation_length_y <= 2 * grid.ly,
        "correlation length is {}x{}; it may be twice the domain of {}x{} at most", s.correlation_length_x,
        s.correlation_length_y, grid.lx, grid.ly);
  check(grid.flat() || s.correlation_length_z <= 2 * grid.lz,
        "correlation length in z is {}; it may be twice the thickness of {} at most", s.correlation_length_z,
        grid.lz);
}

double cells_in_length(const FieldSpec& s, const Grid& grid) {
  const bool lognormal = s.kind == "lognormal";
  if (!lognormal && s.kind != "two-phase") return std::numeric_limits<double>::infinity();
  const double flat = std::min((lognormal ? s.correlation_length_x : s.phase_length) / grid.hx(),
                               (lognormal ? s.correlation_length_y : s.phase_length) / grid.hy());
  if (grid.flat()) return flat;
  return std::min(flat, (lognormal ? s.correlation_length_z : s.phase_length) / grid.hz());
}

Field draw_field(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  check_field_spec(spec, grid);
  if (!grid.flat()) return draw_volume(spec, seed, sample, grid);
  if (spec.kind == "two-phase") return draw_two_phase(spec, seed, sample, grid);
  if (spec.kind == "lognormal") return draw_lognormal(spec, seed, sample, grid);
  if (spec.kind == "layered") return draw_layered(spec, seed, sample, grid);
  return draw_channels(spec, seed, sample, grid);
}

Field draw_resolved_two_phase(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample,
                              const Grid& grid) {
  check_field_spec(spec, grid);
  return in_phases(draw_neumann_gaussian(1 / spec.phase_length, seed, sample, grid, {grid.nx, grid.ny}),
                   spec);
}

}  // namespace mano
