#pragma once
// A volume's discrete problem, solved by elimination.

#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "solver/problem.hpp"

namespace mano {

// The equations from their definition, without the stencil: unknowns are the active cells, joined by two half-cells in series, and the
// pressure of each bore of given rate. Where the pressure is free, the first unknown is 0 and the mean is taken out.
class VolumeElimination {
 public:
  explicit VolumeElimination(const Problem& p) : p_(p), g_(p.grid()), unknown_(g_.cells(), -1) {
    for (std::size_t c = 0; c < g_.cells(); ++c) {
      if (p.active[c]) unknown_[c] = cells_++;
    }
    std::size_t n = cells_;
    for (const Well& w : p.wells) n += has_unknown(w) ? 1 : 0;
    a_.assign(n, std::vector<Real>(n + 1, 0.0));
    for (int k = 0; k < g_.nz; ++k) {
      for (int j = 0; j < g_.ny; ++j) {
        for (int i = 0; i < g_.nx; ++i) balance(i, j, k);
      }
    }
    std::size_t bore = cells_;
    for (const Well& w : p.wells) {
      add(w, bore);
      bore += has_unknown(w) ? 1 : 0;
    }
  }

  struct Solution {
    Field pressure;             // 0 in inactive cells
    std::vector<double> bores;  // of wells of given rate with a radius, in their order
  };

  Solution solve() {
    const std::size_t n = a_.size();
    const bool free = p_.pressure_is_free();
    if (free) {
      std::fill(a_[0].begin(), a_[0].end(), 0.0);
      a_[0][0] = 1.0;
    }
    for (std::size_t k = 0; k < n; ++k) pivot(k);
    std::vector<Real> x(n);
    for (std::size_t k = n; k-- > 0;) {
      Real sum = a_[k][n];
      for (std::size_t c = k + 1; c < n; ++c) sum -= a_[k][c] * x[c];
      x[k] = sum / a_[k][k];
    }
    Real mean = 0.0;
    for (std::size_t c = 0; c < cells_ && free; ++c) mean += x[c] / static_cast<Real>(cells_);
    Solution s{Field(g_), {}};
    for (std::size_t c = 0; c < g_.cells(); ++c) {
      if (unknown_[c] >= 0) s.pressure.values[c] = static_cast<double>(x[unknown_[c]] - mean);
    }
    for (std::size_t b = cells_; b < n; ++b) s.bores.push_back(static_cast<double>(x[b] - mean));
    return s;
  }

 private:
  using Real = long double;  // contrasts of 1e8 leave double too few digits

  static bool has_unknown(const Well& w) { return w.control == Well::Control::rate && w.radius > 0; }

  void pivot(std::size_t k) {
    const std::size_t n = a_.size();
    std::size_t largest = k;
    for (std::size_t r = k + 1; r < n; ++r) {
      if (std::abs(a_[r][k]) > std::abs(a_[largest][k])) largest = r;
    }
    std::swap(a_[k], a_[largest]);
    for (std::size_t r = k + 1; r < n; ++r) {
      const Real factor = a_[r][k] / a_[k][k];
      if (factor == 0.0) continue;
      for (std::size_t c = k; c <= n; ++c) a_[r][c] -= factor * a_[k][c];
    }
  }

  double along(int axis, std::size_t c) const {
    const Field& k = axis == 0 ? p_.permeability : axis == 1 ? p_.along_y() : p_.along_z();
    return k.values[c];
  }

  void balance(int i, int j, int k) {
    const std::array<int, 3> at{i, j, k}, n{g_.nx, g_.ny, g_.nz};
    const std::array<double, 3> h{g_.hx(), g_.hy(), g_.hz()};
    const double volume = h[0] * h[1] * h[2];
    const int row = unknown_[g_.index(i, j, k)];
    if (row < 0) return;
    std::vector<Real>& equation = a_[row];
    equation.back() += p_.source(i, j, k) * volume;
    for (int axis = 0; axis < 3; ++axis) {
      const double area = volume / h[axis];
      const double own = along(axis, g_.index(i, j, k)) * area / (h[axis] / 2);
      for (const int step : {-1, 1}) {
        std::array<int, 3> next = at;
        next[axis] += step;
        if (next[axis] >= 0 && next[axis] < n[axis]) {
          const std::size_t c = g_.index(next[0], next[1], next[2]);
          if (unknown_[c] < 0) continue;
          const double t = 1 / (1 / own + 1 / (along(axis, c) * area / (h[axis] / 2)));
          equation[row] += t;
          equation[unknown_[c]] -= t;
          continue;
        }
        const int position = axis == 0 ? k * g_.ny + j : axis == 1 ? k * g_.nx + i : j * g_.nx + i;
        const BoundaryCondition& side = p_.boundary[2 * axis + (step > 0 ? 1 : 0)];
        const double value = side.values[position];
        if (side.type == BoundaryCondition::Type::pressure) {
          equation[row] += own;
          equation.back() += own * value;
        } else {
          equation.back() -= value * area;
        }
      }
    }
  }

  // Peaceman's index of a layer.
  double index_of(const Well& w, std::size_t c) const {
    const double kx = along(0, c), ky = along(1, c);
    const double r =
        0.28 * std::sqrt(std::sqrt(ky / kx) * g_.hx() * g_.hx() + std::sqrt(kx / ky) * g_.hy() * g_.hy()) /
        (std::pow(ky / kx, 0.25) + std::pow(kx / ky, 0.25));
    return 2 * std::numbers::pi * std::sqrt(kx * ky) * g_.hz() / std::log(r / w.radius);
  }

  void add(const Well& w, std::size_t bore) {
    std::vector<std::size_t> open;
    double total = 0.0;
    for (int k = w.first_layer; k <= w.last_layer; ++k) {
      const std::size_t c = g_.index(w.i, w.j, k);
      if (!p_.active[c]) continue;
      open.push_back(c);
      total += std::sqrt(along(0, c) * along(1, c));
    }
    if (has_unknown(w)) a_[bore].back() += w.value;
    for (std::size_t c : open) {
      std::vector<Real>& equation = a_[unknown_[c]];
      if (has_unknown(w)) {
        const double index = index_of(w, c);
        equation[unknown_[c]] += index;
        equation[bore] -= index;
        a_[bore][bore] += index;
        a_[bore][unknown_[c]] -= index;
      } else if (w.control == Well::Control::pressure) {
        equation[unknown_[c]] += index_of(w, c);
        equation.back() += index_of(w, c) * w.value;
      } else {
        equation.back() += w.value * std::sqrt(along(0, c) * along(1, c)) / total;
      }
    }
  }

  const Problem& p_;
  Grid g_;
  std::vector<int> unknown_;
  std::size_t cells_ = 0;
  std::vector<std::vector<Real>> a_;
};

}  // namespace mano
