#include <algorithm>
#include <atomic>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>
#include <vector>

#include "core/error.hpp"
#include "datagen/counter_random.hpp"
#include "datagen/fftw_plan.hpp"
#include "datagen/matern_torus.hpp"
#include "datagen/random_field.hpp"
#include "datagen/rock_parts.hpp"
#include "datagen/volume_field.hpp"

namespace mano {

namespace {

using std::numbers::pi;
using Complex = std::complex<double>;
constexpr int kNeumannModes = 128;

void check_flat(const Grid& grid) {
  check(grid.flat(), "a field of the plane on a volume of {}", grid.resolution());
}

// What all samples of a Matern field on a grid share: of each mode its place in the spectrum and its amplitude and phase.
struct MaternModes {
  struct Mode {
    int a, b;
    std::size_t place;
    Complex shift;
  };
  double nu, length_x, length_y;
  Grid grid;
  double variance = 0.0;
  std::vector<Mode> modes;

  bool are_of(const FieldSpec& spec, const Grid& g) const {
    return nu == spec.smoothness && length_x == spec.correlation_length_x &&
           length_y == spec.correlation_length_y && grid == g;
  }

  MaternModes(const FieldSpec& spec, const Grid& g)
      : nu(spec.smoothness),
        length_x(spec.correlation_length_x),
        length_y(spec.correlation_length_y),
        grid(g) {
    const MaternTorus torus(spec, grid);
    const int nx = torus.periods_x * grid.nx;
    const int ny = torus.periods_y * grid.ny;
    torus.for_each_mode([&](int a, int b, double weight) {
      variance += weight;
      // The first cell centre lies half a cell from the origin.
      const Complex shift =
          std::polar(std::sqrt(weight), pi * (static_cast<double>(a) / nx + static_cast<double>(b) / ny));
      modes.push_back({a, b, static_cast<std::size_t>(wrap(b, ny)) * nx + wrap(a, nx), shift});
    });
  }
};

// The last ones are kept, where they take little memory: they cost more than a draw.
std::shared_ptr<const MaternModes> matern_modes(const FieldSpec& spec, const Grid& grid) {
  static std::atomic<std::shared_ptr<const MaternModes>> last;
  if (auto known = last.load(); known != nullptr && known->are_of(spec, grid)) return known;
  auto made = std::make_shared<const MaternModes>(spec, grid);
  constexpr std::size_t kMostKept = 500000;
  if (made->modes.size() <= kMostKept) last.store(made);
  return made;
}

}  // namespace

Field draw_neumann_gaussian(double tau, std::uint64_t seed, std::uint64_t sample, const Grid& grid,
                            const Resolution& modes) {
  check_flat(grid);
  const CounterRandom random(seed, kNeumannStream, sample);
  Field g(grid);
  for (int n = 0; n < std::min(modes.ny, kNeumannModes); ++n) {
    const FoldedMode fy = fold_cosine(n, grid.ny);
    for (int m = 0; m < std::min(modes.nx, kNeumannModes); ++m) {
      const FoldedMode fx = fold_cosine(m, grid.nx);
      if (fx.sign * fy.sign == 0.0 || (m == 0 && n == 0)) continue;
      const double laplacian = pi * pi * (m * m / (grid.lx * grid.lx) + n * n / (grid.ly * grid.ly));
      const double norm = std::sqrt((m > 0 ? 2.0 : 1.0) * (n > 0 ? 2.0 : 1.0) / (grid.lx * grid.ly));
      // FFTW's REDFT01 counts every index but the first twice.
      const double twice = (fx.index > 0 ? 0.5 : 1.0) * (fy.index > 0 ? 0.5 : 1.0);
      g(fx.index, fy.index) +=
          fx.sign * fy.sign * twice * norm * random.normal(m, n) / (laplacian + tau * tau);
    }
  }
  // FFTW_ESTIMATE: the plan, and with it every rounding, depends on the size alone.
  const Plan plan = planned([&] {
    return fftw_plan_r2r_2d(grid.ny, grid.nx, g.values.data(), g.values.data(), FFTW_REDFT01, FFTW_REDFT01,
                            FFTW_ESTIMATE);
  });
  fftw_execute(plan.get());
  return g;
}

Field draw_matern_gaussian(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample,
                           const Grid& grid) {
  check_flat(grid);
  const CounterRandom random(seed, kMaternStream, sample);
  const MaternTorus torus(spec, grid);
  const int nx = torus.periods_x * grid.nx;
  const int ny = torus.periods_y * grid.ny;
  std::vector<Complex> spectrum(static_cast<std::size_t>(nx) * ny);
  const auto shared = matern_modes(spec, grid);
  for (const MaternModes::Mode& mode : shared->modes) {
    const auto [cosine, sine] = random.normal_pair(mode.a, mode.b);
    const bool constant = mode.a == 0 && mode.b == 0;
    spectrum[mode.place] += mode.shift * Complex(cosine, constant ? 0 : -sine);
  }
  auto* data = reinterpret_cast<fftw_complex*>(spectrum.data());
  const Plan plan =
      planned([&] { return fftw_plan_dft_2d(ny, nx, data, data, FFTW_BACKWARD, FFTW_ESTIMATE); });
  fftw_execute(plan.get());
  Field g(grid);
  const double scale = 1.0 / std::sqrt(shared->variance);
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) g(i, j) = scale * spectrum[static_cast<std::size_t>(j) * nx + i].real();
  }
  return g;
}

double field_memory(const FieldSpec& spec, const Grid& grid) {
  if (!grid.flat()) return volume_field_memory(spec, grid);
  double bytes = sizeof(double) * static_cast<double>(grid.cells());
  if (spec.kind == "lognormal") {
    const MaternTorus torus(spec, grid);
    bytes += sizeof(Complex) * static_cast<double>(grid.cells()) * torus.periods_x * torus.periods_y;
  }
  return bytes;
}

double matern_covariance(const FieldSpec& spec, double dx, double dy) {
  const double r = std::hypot(dx / spec.correlation_length_x, dy / spec.correlation_length_y);
  const double z = std::sqrt(2 * spec.smoothness) * r;
  if (z < 1e-12) return 1.0;
  return std::pow(2.0, 1 - spec.smoothness) / std::tgamma(spec.smoothness) * std::pow(z, spec.smoothness) *
         std::cyl_bessel_k(spec.smoothness, z);
}

}  // namespace mano
