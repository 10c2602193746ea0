#pragma once
// The modes that a Matern field is summed from (datagen/random_field.hpp). Private to datagen/.

#include <algorithm>
#include <cmath>
#include <numbers>

#include "datagen/random_field.hpp"

namespace mano {

/// k modulo n, in [0, n).
inline int wrap(int k, int n) {
  return ((k % n) + n) % n;
}

/// Spectrum of the Matern covariance on a torus of periods px, py, up to modes kx, ky.
struct MaternTorus {
  static constexpr int kMostModes = 1024;
  static constexpr double kVarianceLeftOut = 0.01;

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
          std::clamp(std::ceil(w * period / (2 * std::numbers::pi * length)), 1.0, double{kMostModes}));
    };
    kx = modes(px, length_x);
    ky = modes(py, length_y);
  }

  // Up to a constant: the spectral density of the Matern covariance in two dimensions.
  double density(int a, int b) const {
    const double wx = 2 * std::numbers::pi * a / px * length_x;
    const double wy = 2 * std::numbers::pi * b / py * length_y;
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

}  // namespace mano
