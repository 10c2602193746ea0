#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <mutex>
#include <new>
#include <numbers>
#include <vector>

#include "datagen/counter_random.hpp"
#include "datagen/random_field.hpp"

namespace mano {

namespace {

using std::numbers::pi;
using Complex = std::complex<double>;
constexpr int kNeumannModes = 128;
constexpr int kMaternModes = 1024;
constexpr double kVarianceLeftOut = 0.01;

// Of FFTW's functions only fftw_execute may run in several threads at once.
std::mutex planner;

struct PlanDeleter {
  void operator()(fftw_plan_s* plan) const {
    const std::lock_guard lock(planner);
    fftw_destroy_plan(plan);
  }
};
using Plan = std::unique_ptr<fftw_plan_s, PlanDeleter>;

// FFTW has no plan where it has no memory.
template <typename Make>
Plan planned(const Make& make) {
  const std::lock_guard lock(planner);
  fftw_plan plan = make();
  if (plan == nullptr) throw std::bad_alloc();
  return Plan(plan);
}

// cos(pi m (i + 1/2) / n) as sign * cos(pi index (i + 1/2) / n) with index < n; sign 0 where it vanishes.
struct FoldedMode {
  int index = 0;
  double sign = 0.0;
};

FoldedMode fold_cosine(int m, int n) {
  const int remainder = m % (2 * n);
  double sign = (m / (2 * n)) % 2 == 0 ? 1.0 : -1.0;
  if (remainder == n) return {0, 0.0};
  if (remainder < n) return {remainder, sign};
  return {2 * n - remainder, -sign};
}

int wrap(int k, int n) {
  return ((k % n) + n) % n;
}

// Spectrum of the Matern covariance on a torus of periods px, py, up to modes kx, ky.
struct MaternTorus {
  int periods_x, periods_y;  // torus over domain
  double px, py;
  int kx, ky;
  double nu, length_x, length_y;

  MaternTorus(const FieldSpec& spec, const Grid& grid)
      : nu(spec.smoothness), length_x(spec.correlation_length_x), length_y(spec.correlation_length_y) {
    periods_x = std::max(2, 1 + static_cast<int>(std::ceil(6 * length_x / grid.lx)));
    periods_y = std::max(2, 1 + static_cast<int>(std::ceil(6 * length_y / grid.ly)));
    px = periods_x * grid.lx;
    py = periods_y * grid.ly;
    // Variance beyond |omega| = w is (2 nu / (2 nu + w^2))^nu.
    const double w = std::sqrt(2 * nu * (std::pow(kVarianceLeftOut, -1 / nu) - 1));
    const auto modes = [&](double period, double length) {
      return static_cast<int>(
          std::clamp(std::ceil(w * period / (2 * pi * length)), 1.0, double{kMaternModes}));
    };
    kx = modes(px, length_x);
    ky = modes(py, length_y);
  }

  // Up to a constant: the spectral density of the Matern covariance in two dimensions.
  double density(int a, int b) const {
    const double wx = 2 * pi * a / px * length_x;
    const double wy = 2 * pi * b / py * length_y;
    return std::pow(2 * nu + wx * wx + wy * wy, -(nu + 1));
  }

  // One of each pair +-k of modes inside the ellipse.
  template <typename Visit>
  void for_each_mode(Visit visit) const {
    for (int a = 0; a <= kx; ++a) {
      for (int b = a == 0 ? 0 : -ky; b <= ky; ++b) {
        const double radius =
            std::pow(static_cast<double>(a) / kx, 2) + std::pow(static_cast<double>(b) / ky, 2);
        if (radius <= 1.0) visit(a, b, density(a, b) * (a == 0 && b == 0 ? 1.0 : 2.0));
      }
    }
  }
};

}  // namespace

Field draw_neumann_gaussian(double tau, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kNeumannStream, sample);
  Field g(grid);
  for (int n = 0; n < kNeumannModes; ++n) {
    const FoldedMode fy = fold_cosine(n, grid.ny);
    for (int m = 0; m < kNeumannModes; ++m) {
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
  const CounterRandom random(seed, kMaternStream, sample);
  const MaternTorus torus(spec, grid);
  const int nx = torus.periods_x * grid.nx;
  const int ny = torus.periods_y * grid.ny;
  std::vector<Complex> spectrum(static_cast<std::size_t>(nx) * ny);
  double variance = 0.0;
  torus.for_each_mode([&](int a, int b, double weight) {
    variance += weight;
    const auto [cosine, sine] = random.normal_pair(a, b);
    // The first cell centre lies half a cell from the origin.
    const Complex shift =
        std::polar(std::sqrt(weight), pi * (static_cast<double>(a) / nx + static_cast<double>(b) / ny));
    const bool constant = a == 0 && b == 0;
    spectrum[static_cast<std::size_t>(wrap(b, ny)) * nx + wrap(a, nx)] +=
        shift * Complex(cosine, constant ? 0 : -sine);
  });
  auto* data = reinterpret_cast<fftw_complex*>(spectrum.data());
  const Plan plan =
      planned([&] { return fftw_plan_dft_2d(ny, nx, data, data, FFTW_BACKWARD, FFTW_ESTIMATE); });
  fftw_execute(plan.get());
  Field g(grid);
  const double scale = 1.0 / std::sqrt(variance);
  for (int j = 0; j < grid.ny; ++j) {
    for (int i = 0; i < grid.nx; ++i) g(i, j) = scale * spectrum[static_cast<std::size_t>(j) * nx + i].real();
  }
  return g;
}

double field_memory(const FieldSpec& spec, const Grid& grid) {
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
