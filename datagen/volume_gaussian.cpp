#include "datagen/volume_gaussian.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <memory>
#include <numbers>
#include <vector>

#include "datagen/counter_random.hpp"
#include "datagen/fftw_plan.hpp"
#include "datagen/matern_torus.hpp"
#include "datagen/normal_row.hpp"
#include "datagen/rock_parts.hpp"

namespace mano {

namespace {

using std::numbers::pi;
using Complex = std::complex<double>;

constexpr int kCosines = 64;           // along each axis
constexpr int kMostVolumeModes = 128;  // of a torus, along each axis
constexpr double kVolumeVarianceLeftOut = 0.06;

// In-place transforms along the slow axis of [length, columns].
enum class Columns { cosine, backward };

Plan column_plan(Columns kind, int length, int columns, double* data) {
  return planned([&] {
    if (kind == Columns::cosine) {
      const fftw_r2r_kind redft = FFTW_REDFT01;
      return fftw_plan_many_r2r(1, &length, columns, data, nullptr, columns, 1, data, nullptr, columns, 1,
                                &redft, FFTW_ESTIMATE);
    }
    auto* complex = reinterpret_cast<fftw_complex*>(data);
    return fftw_plan_many_dft(1, &length, columns, complex, nullptr, columns, 1, complex, nullptr, columns, 1,
                              FFTW_BACKWARD, FFTW_ESTIMATE);
  });
}

// Part of the variance of a Matern field in three dimensions beyond the frequency w, in units of one over the correlation length: its density
// falls as w^2 (2 nu + w^2)^-(nu + 3/2), which makes it the incomplete beta function I_t(nu, 3/2), t = 2 nu / (2 nu + w^2),
//   = integral of (1 - s^(1 / nu))^(1/2) ds from 0 to t^nu, over nu B(nu, 3/2).
double variance_beyond(double w, double nu) {
  constexpr int kPoints = 400;
  const double end = std::pow(2 * nu / (2 * nu + w * w), nu);
  double sum = 0.0;
  for (int i = 0; i < kPoints; ++i) sum += std::sqrt(1 - std::pow((i + 0.5) / kPoints * end, 1 / nu));
  return sum / kPoints * end * std::tgamma(nu + 1.5) / (nu * std::tgamma(nu) * std::tgamma(1.5));
}

double highest_frequency(double nu) {
  double low = 0.0, high = 1e5;
  while (high - low > 1e-6 * high) {
    const double middle = 0.5 * (low + high);
    (variance_beyond(middle, nu) > kVolumeVarianceLeftOut ? low : high) = middle;
  }
  return high;
}

// What all Matern fields of a specification in a domain share: the torus and the amplitudes of its modes (a, |b|, |c|).
struct VolumeModes {
  FieldSpec spec;
  std::array<double, 3> domain;
  std::array<int, 3> periods, modes;  // torus over domain; the highest modes
  std::vector<double> amplitude;      // [c, b, a], of both of a pair of modes; 0 outside the ellipsoid
  std::vector<int> count;             // [c, b]: a < count is inside

  VolumeModes(const FieldSpec& s, const Grid& grid) : spec(s), domain{grid.lx, grid.ly, grid.lz} {
    const double nu = spec.smoothness;
    const std::array<double, 3> length{spec.correlation_length_x, spec.correlation_length_y,
                                       spec.correlation_length_z};
    const double w = highest_frequency(nu);
    std::array<double, 3> frequency;  // of mode 1, times the correlation length
    for (int d = 0; d < 3; ++d) {
      periods[d] = std::max(2, 1 + static_cast<int>(std::ceil(6 * length[d] / domain[d])));
      frequency[d] = 2 * pi * length[d] / (periods[d] * domain[d]);
      modes[d] = static_cast<int>(std::clamp(std::ceil(w / frequency[d]), 1.0, double{kMostVolumeModes}));
    }
    double variance = 0.0;
    const auto square = [](double x) { return x * x; };
    for (int c = 0; c <= modes[2]; ++c) {
      for (int b = 0; b <= modes[1]; ++b) {
        const double rest = square(c * frequency[2]) + square(b * frequency[1]);
        const double radius =
            square(static_cast<double>(c) / modes[2]) + square(static_cast<double>(b) / modes[1]);
        count.push_back(0);
        for (int a = 0; a <= modes[0]; ++a) {
          const bool inside = radius + square(static_cast<double>(a) / modes[0]) <= 1.0;
          // The spectral density of the Matern covariance in three dimensions, up to a constant.
          const double density =
              inside ? std::pow(2 * nu + rest + square(a * frequency[0]), -(nu + 1.5)) : 0.0;
          variance += density * (a > 0 ? 2 : 1) * (b > 0 ? 2 : 1) * (c > 0 ? 2 : 1);
          amplitude.push_back(std::sqrt(density * (a + b + c > 0 ? 2.0 : 1.0)));
          count.back() += inside ? 1 : 0;
        }
      }
    }
    for (double& value : amplitude) value /= std::sqrt(variance);
  }

  bool are_of(const FieldSpec& s, const Grid& grid) const {
    return spec == s && domain == std::array<double, 3>{grid.lx, grid.ly, grid.lz};
  }
};

// The last ones are kept: they cost as much as a draw.
std::shared_ptr<const VolumeModes> volume_modes(const FieldSpec& spec, const Grid& grid) {
  static std::atomic<std::shared_ptr<const VolumeModes>> last;
  if (auto known = last.load(); known != nullptr && known->are_of(spec, grid)) return known;
  auto made = std::make_shared<const VolumeModes>(spec, grid);
  last.store(made);
  return made;
}

// A Matern field on a grid: spectrum [b, a] of each layer, and the layers.
class VolumeTransform {
 public:
  VolumeTransform(const VolumeModes& modes, const Grid& grid)
      : m_(modes),
        grid_(grid),
        n_{m_.periods[0] * grid.nx, m_.periods[1] * grid.ny, m_.periods[2] * grid.nz},
        a_(m_.modes[0] + 1),
        b_(2 * m_.modes[1] + 1) {}

  // Of each layer, the sum over c of the modes (a, b, c).
  void sum_along_z(const CounterRandom& random) {
    std::vector<Complex> plane(static_cast<std::size_t>(n_[2]) * a_);
    std::vector<double> numbers(2 * static_cast<std::size_t>(a_));
    layers_.resize(static_cast<std::size_t>(grid_.nz) * b_ * a_);
    const Plan plan = column_plan(Columns::backward, n_[2], a_, reinterpret_cast<double*>(plane.data()));
    for (int b = -m_.modes[1]; b <= m_.modes[1]; ++b) {
      std::fill(plane.begin(), plane.end(), Complex());
      for (int c = -m_.modes[2]; c <= m_.modes[2]; ++c)
        add_row(random, b, c, numbers, plane.data() + static_cast<std::size_t>(wrap(c, n_[2])) * a_);
      fftw_execute(plan.get());
      for (int k = 0; k < grid_.nz; ++k) {
        std::copy_n(plane.data() + static_cast<std::size_t>(k) * a_, a_,
                    layers_.data() + (static_cast<std::size_t>(k) * b_ + b + m_.modes[1]) * a_);
      }
    }
  }

  // The field, layer by layer.
  Field sum_along_y_and_x() const {
    Field g(grid_);
    const int half = n_[0] / 2 + 1;
    std::vector<Complex> plane(static_cast<std::size_t>(n_[1]) * a_);
    std::vector<Complex> rows(static_cast<std::size_t>(grid_.ny) * half);
    std::vector<double> values(static_cast<std::size_t>(grid_.ny) * n_[0]);
    const Plan along_y = column_plan(Columns::backward, n_[1], a_, reinterpret_cast<double*>(plane.data()));
    const Plan along_x = planned([&] {
      return fftw_plan_many_dft_c2r(1, n_.data(), grid_.ny, reinterpret_cast<fftw_complex*>(rows.data()),
                                    nullptr, 1, half, values.data(), nullptr, 1, n_[0], FFTW_ESTIMATE);
    });
    const std::vector<Complex> turn = turns();
    for (int k = 0; k < grid_.nz; ++k) {
      const Complex* layer = layers_.data() + static_cast<std::size_t>(k) * b_ * a_;
      std::fill(plane.begin(), plane.end(), Complex());
      for (int b = 0; b < b_; ++b) {
        Complex* row = plane.data() + static_cast<std::size_t>(wrap(b - m_.modes[1], n_[1])) * a_;
        for (int a = 0; a < a_; ++a) row[a] += layer[static_cast<std::size_t>(b) * a_ + a];
      }
      fftw_execute(along_y.get());
      std::fill(rows.begin(), rows.end(), Complex());
      for (int j = 0; j < grid_.ny; ++j)
        fold_row(plane.data() + static_cast<std::size_t>(j) * a_, turn,
                 rows.data() + static_cast<std::size_t>(j) * half);
      fftw_execute(along_x.get());
      for (int j = 0; j < grid_.ny; ++j)
        std::copy_n(values.data() + static_cast<std::size_t>(j) * n_[0], grid_.nx, &g(0, j, k));
    }
    return g;
  }

 private:
  // Adds the modes (a, b, c) of all a to a row: of two opposite ones, whose sum is real, one.
  void add_row(const CounterRandom& random, int b, int c, std::vector<double>& numbers, Complex* row) const {
    const std::size_t place = static_cast<std::size_t>(std::abs(c)) * (m_.modes[1] + 1) + std::abs(b);
    const int count = m_.count[place];
    if (count == 0) return;
    draw_normal_row(random, b, c, 2 * static_cast<std::size_t>(count), numbers.data());
    const double* amplitude = m_.amplitude.data() + place * a_;
    if (b == 0 && c == 0) numbers[1] = 0.0;  // the constant has no sine
    // The first cell centre lies half a cell from the origin.
    const double angle = pi * (static_cast<double>(b) / n_[1] + static_cast<double>(c) / n_[2]);
    const double re = std::cos(angle), im = std::sin(angle);
    const bool opposite_of_another = b < 0 || (b == 0 && c < 0);
    for (int a = opposite_of_another ? 1 : 0; a < count; ++a) {
      const double cosine = amplitude[a] * numbers[2 * a], sine = amplitude[a] * numbers[2 * a + 1];
      row[a] += Complex(cosine * re + sine * im, cosine * im - sine * re);
    }
  }

  // Of mode a: the half cell, and the half that a Hermitian transform counts twice.
  std::vector<Complex> turns() const {
    std::vector<Complex> turn;
    for (int a = 0; a < a_; ++a) {
      const bool alone = 2 * wrap(a, n_[0]) % n_[0] == 0;
      turn.push_back(std::polar(alone ? 1.0 : 0.5, pi * a / n_[0]));
    }
    return turn;
  }

  // Modes that the grid cannot tell from others go where those are.
  void fold_row(const Complex* from, const std::vector<Complex>& turn, Complex* to) const {
    for (int a = 0; a < a_; ++a) {
      const double re = from[a].real() * turn[a].real() - from[a].imag() * turn[a].imag();
      const double im = from[a].real() * turn[a].imag() + from[a].imag() * turn[a].real();
      const int column = a < n_[0] ? a : wrap(a, n_[0]);
      const bool mirrored = 2 * column > n_[0];
      to[mirrored ? n_[0] - column : column] += Complex(re, mirrored ? -im : im);
    }
  }

  const VolumeModes& m_;
  Grid grid_;
  std::array<int, 3> n_;  // points of the torus
  int a_, b_;             // modes along x, from 0, and along y, both signs
  std::vector<Complex> layers_;
};

}  // namespace

Field draw_volume_matern_gaussian(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample,
                                  const Grid& grid) {
  const auto modes = volume_modes(spec, grid);
  VolumeTransform transform(*modes, grid);
  transform.sum_along_z(CounterRandom(seed, kVolumeMaternStream, sample));
  return transform.sum_along_y_and_x();
}

double volume_matern_memory(const FieldSpec& spec, const Grid& grid) {
  const auto modes = volume_modes(spec, grid);
  const double a = modes->modes[0] + 1, b = 2 * modes->modes[1] + 1;
  const double nx = modes->periods[0] * grid.nx, ny = modes->periods[1] * grid.ny,
               nz = modes->periods[2] * grid.nz;
  return sizeof(double) * (static_cast<double>(grid.cells()) + static_cast<double>(modes->amplitude.size()) +
                           2 * grid.ny * nx) +
         sizeof(Complex) * a * (b * grid.nz + ny + nz);
}

namespace {

// The cosine of mode m along an axis: where a grid of n points has it, with which factor, and (pi m / length)^2.
struct Cosine {
  int index;
  double factor, square;
};

std::vector<Cosine> cosines(int n, double length) {
  std::vector<Cosine> all;
  for (int m = 0; m < kCosines; ++m) {
    const FoldedMode f = fold_cosine(m, n);
    const double twice = f.index > 0 ? 0.5 : 1.0;  // FFTW's REDFT01 counts every index but the first twice
    const double norm = std::sqrt((m > 0 ? 2.0 : 1.0) / length);
    all.push_back({f.index, f.sign * twice * norm, pi * pi * m * m / (length * length)});
  }
  return all;
}

}  // namespace

Field draw_volume_neumann_gaussian(double tau, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  const CounterRandom random(seed, kVolumeNeumannStream, sample);
  const auto x = cosines(grid.nx, grid.lx), y = cosines(grid.ny, grid.ly), z = cosines(grid.nz, grid.lz);
  const int columns = std::min(kCosines, grid.nx), rows = std::min(kCosines, grid.ny);
  const auto size = static_cast<std::size_t>(rows) * columns;
  std::vector<double> modes(grid.nz * size);  // [z, rows, columns]
  std::array<double, kCosines> numbers;
  for (int o = 0; o < kCosines; ++o) {
    for (int n = 0; n < kCosines; ++n) {
      const double factor = z[o].factor * y[n].factor;
      if (factor == 0.0) continue;
      draw_normal_row(random, n, o, kCosines, numbers.data());
      double* row = modes.data() + z[o].index * size + static_cast<std::size_t>(y[n].index) * columns;
      const double square = z[o].square + y[n].square + tau * tau;
      for (int m = n == 0 && o == 0 ? 1 : 0; m < kCosines; ++m)
        row[x[m].index] += factor * x[m].factor * numbers[m] / (x[m].square + square);
    }
  }
  fftw_execute(column_plan(Columns::cosine, grid.nz, static_cast<int>(size), modes.data()).get());
  std::vector<double> plane(static_cast<std::size_t>(grid.ny) * columns), layer(grid.layer());
  const Plan along_y = column_plan(Columns::cosine, grid.ny, columns, plane.data());
  const Plan along_x = planned([&] {
    const fftw_r2r_kind redft = FFTW_REDFT01;
    return fftw_plan_many_r2r(1, &grid.nx, grid.ny, layer.data(), nullptr, 1, grid.nx, layer.data(), nullptr,
                              1, grid.nx, &redft, FFTW_ESTIMATE);
  });
  Field g(grid);
  for (int k = 0; k < grid.nz; ++k) {
    std::copy_n(modes.data() + k * size, size, plane.data());
    std::fill(plane.begin() + static_cast<std::ptrdiff_t>(size), plane.end(), 0.0);
    fftw_execute(along_y.get());
    std::fill(layer.begin(), layer.end(), 0.0);
    for (int j = 0; j < grid.ny; ++j)
      std::copy_n(plane.data() + static_cast<std::size_t>(j) * columns, columns,
                  layer.data() + static_cast<std::size_t>(j) * grid.nx);
    fftw_execute(along_x.get());
    std::copy(layer.begin(), layer.end(), &g(0, 0, k));
  }
  return g;
}

}  // namespace mano
