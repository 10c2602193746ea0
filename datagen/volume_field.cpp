#include "datagen/volume_field.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "datagen/counter_random.hpp"
#include "datagen/fftw_plan.hpp"
#include "datagen/matern_torus.hpp"
#include "datagen/rock_parts.hpp"

namespace mano {

namespace {

using std::numbers::pi;
using Complex = std::complex<double>;

constexpr int kVolumeModes = 64;  // along each axis
constexpr int kMostModes = 128;   // of a torus, along each axis
constexpr double kVarianceLeftOut = 0.05;

// Numbers of a draw for three indices.
std::int64_t index_of(int a, int b) {
  return static_cast<std::int64_t>(a) * 4096 + b;
}

// g = sum of xi lambda^(1/2) phi, lambda^(1/2) = (pi^2 (m^2 / lx^2 + n^2 / ly^2 + o^2 / lz^2) + tau^2)^-1, phi products of cosines.
Field neumann_gaussian(std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kVolumeNeumannStream, sample);
  Field g(grid);
  for (int o = 0; o < kVolumeModes; ++o) {
    const auto [fz, sz] = fold_cosine(o, grid.nz);
    for (int n = 0; n < kVolumeModes; ++n) {
      const auto [fy, sy] = fold_cosine(n, grid.ny);
      for (int m = 0; m < kVolumeModes; ++m) {
        const auto [fx, sx] = fold_cosine(m, grid.nx);
        const double sign = sx * sy * sz;
        if (sign == 0.0 || (m == 0 && n == 0 && o == 0)) continue;
        const double laplacian =
            pi * pi * (std::pow(m / grid.lx, 2) + std::pow(n / grid.ly, 2) + std::pow(o / grid.lz, 2));
        const double norm = std::sqrt((m > 0 ? 2.0 : 1.0) * (n > 0 ? 2.0 : 1.0) * (o > 0 ? 2.0 : 1.0) /
                                      (grid.lx * grid.ly * grid.lz));
        // FFTW's REDFT01 counts every index but the first twice.
        const double twice = (fx > 0 ? 0.5 : 1.0) * (fy > 0 ? 0.5 : 1.0) * (fz > 0 ? 0.5 : 1.0);
        g(fx, fy, fz) += sign * twice * norm * random.normal(index_of(m, n), o) /
                         (laplacian + kTwoPhaseTau * kTwoPhaseTau);
      }
    }
  }
  const Plan plan = planned([&] {
    return fftw_plan_r2r_3d(grid.nz, grid.ny, grid.nx, g.values.data(), g.values.data(), FFTW_REDFT01,
                            FFTW_REDFT01, FFTW_REDFT01, FFTW_ESTIMATE);
  });
  fftw_execute(plan.get());
  return g;
}

// A torus at least six correlation lengths longer than the domain, and its modes.
struct Torus {
  std::array<int, 3> periods, modes;  // torus over domain; the highest modes
  std::array<double, 3> frequency;    // of mode 1, times the correlation length
  double smoothness;

  Torus(const FieldSpec& spec, const Grid& grid) : smoothness(spec.smoothness) {
    const std::array<double, 3> domain{grid.lx, grid.ly, grid.lz};
    const std::array<double, 3> length{spec.correlation_length_x, spec.correlation_length_y,
                                       spec.correlation_length_z};
    const double w = std::sqrt(2 * smoothness * (std::pow(kVarianceLeftOut, -1 / smoothness) - 1));
    for (int d = 0; d < 3; ++d) {
      periods[d] = std::max(2, 1 + static_cast<int>(std::ceil(6 * length[d] / domain[d])));
      frequency[d] = 2 * pi * length[d] / (periods[d] * domain[d]);
      modes[d] = static_cast<int>(std::clamp(std::ceil(w / frequency[d]), 1.0, double{kMostModes}));
    }
  }

  // Spectral density of the Matern covariance in three dimensions, up to a constant; 0 outside an ellipsoid.
  double density(int a, int b, int c) const {
    const std::array<int, 3> k{a, b, c};
    double radius = 0.0, square = 0.0;
    for (int d = 0; d < 3; ++d) {
      radius += std::pow(static_cast<double>(k[d]) / modes[d], 2);
      square += std::pow(k[d] * frequency[d], 2);
    }
    return radius > 1.0 ? 0.0 : std::pow(2 * smoothness + square, -(smoothness + 1.5));
  }
};

Field matern_gaussian(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kVolumeMaternStream, sample);
  const Torus torus(spec, grid);
  const int nx = torus.periods[0] * grid.nx, ny = torus.periods[1] * grid.ny, nz = torus.periods[2] * grid.nz;
  std::vector<Complex> spectrum(static_cast<std::size_t>(nx) * ny * nz);
  double variance = 0.0;
  const auto [ka, kb, kc] = torus.modes;
  for (int a = 0; a <= ka; ++a) {
    for (int b = a == 0 ? 0 : -kb; b <= kb; ++b) {
      for (int c = a == 0 && b == 0 ? 0 : -kc; c <= kc; ++c) {  // one of each pair of modes
        const bool constant = a == 0 && b == 0 && c == 0;
        const double weight = torus.density(a, b, c) * (constant ? 1.0 : 2.0);
        if (weight == 0.0) continue;
        variance += weight;
        const auto [cosine, sine] = random.normal_pair(index_of(a, b), c);
        // The first cell centre lies half a cell from the origin.
        const Complex shift = std::polar(
            std::sqrt(weight),
            pi * (static_cast<double>(a) / nx + static_cast<double>(b) / ny + static_cast<double>(c) / nz));
        const std::size_t place =
            (static_cast<std::size_t>(wrap(c, nz)) * ny + wrap(b, ny)) * nx + wrap(a, nx);
        spectrum[place] += shift * Complex(cosine, constant ? 0 : -sine);
      }
    }
  }
  auto* data = reinterpret_cast<fftw_complex*>(spectrum.data());
  const Plan plan =
      planned([&] { return fftw_plan_dft_3d(nz, ny, nx, data, data, FFTW_BACKWARD, FFTW_ESTIMATE); });
  fftw_execute(plan.get());
  Field g(grid);
  const double scale = 1.0 / std::sqrt(variance);
  for (int k = 0; k < grid.nz; ++k) {
    for (int j = 0; j < grid.ny; ++j) {
      const Complex* row = spectrum.data() + (static_cast<std::size_t>(k) * ny + j) * nx;
      for (int i = 0; i < grid.nx; ++i) g(i, j, k) = scale * row[i].real();
    }
  }
  return g;
}

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
    const int unit = std::min(spec.layers - 1, static_cast<int>(spec.layers * (layer + 0.5) / grid.nz));
    for (int c = 0; c < spec.channels; ++c)
      draw_channel(spec, random.uniform(c, 2 * unit), random.uniform(c, 2 * unit + 1), layer, k);
  }
  return k;
}

}  // namespace

Field draw_volume(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  if (spec.kind == "layered") return layered(spec, seed, sample, grid);
  if (spec.kind == "channels") return channels(spec, seed, sample, grid);
  if (spec.kind == "two-phase") return in_phases(neumann_gaussian(seed, sample, grid), spec);
  Field k = matern_gaussian(spec, seed, sample, grid);
  for (double& value : k.values) value = std::exp(spec.mean + spec.deviation * value);
  return k;
}

double volume_field_memory(const FieldSpec& spec, const Grid& grid) {
  double bytes = sizeof(double) * static_cast<double>(grid.cells());
  if (spec.kind == "lognormal") {
    const Torus torus(spec, grid);
    bytes += sizeof(Complex) * static_cast<double>(grid.cells()) * torus.periods[0] * torus.periods[1] *
             torus.periods[2];
  }
  return bytes;
}

}  // namespace mano
