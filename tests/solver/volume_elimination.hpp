#pragma once
// A volume's discrete problem, solved by elimination that loses no digits to the contrast.

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "solver/problem.hpp"

namespace mano {

// The equations from their definition, without the stencil, as a network of conductances: nodes are the active cells, joined by two half-cells
// in series, and the bores of given rate; a given pressure is a conductance to the ground, with the flow that it brings. Nodes are taken out
// one by one, each replaced by conductances among its neighbours and to the ground (the star-mesh transform). Nothing is subtracted, so
// every conductance keeps all its digits, whatever the contrast (A. S. Alfa, J. Xue, Q. Ye, Math. Comp. 71, 2002). Where the pressure is
// free, that of the last node is 0 and the mean is taken out.
class VolumeElimination {
 public:
  explicit VolumeElimination(const Problem& p) : p_(p), g_(p.grid()), node_(g_.cells(), -1) {
    for (std::size_t c = 0; c < g_.cells(); ++c) {
      if (p.active[c]) node_[c] = static_cast<int>(cells_++);
    }
    nodes_ = cells_;
    for (const Well& w : p.wells) nodes_ += has_node(w) ? 1 : 0;
    joined_.assign(nodes_ * nodes_, 0.0);
    ground_.assign(nodes_, 0.0);
    flow_.assign(nodes_, 0.0);
    for (int k = 0; k < g_.nz; ++k) {
      for (int j = 0; j < g_.ny; ++j) {
        for (int i = 0; i < g_.nx; ++i) balance(i, j, k);
      }
    }
    std::size_t bore = cells_;
    for (const Well& w : p.wells) {
      add(w, bore);
      bore += has_node(w) ? 1 : 0;
    }
  }

  struct Solution {
    Field pressure;             // 0 in inactive cells
    std::vector<double> bores;  // of wells of given rate with a radius, in their order
  };

  Solution solve() {
    std::vector<std::vector<std::size_t>> neighbours(nodes_);
    std::vector<Real> total(nodes_);
    for (std::size_t n = 0; n < nodes_; ++n) take_out(n, neighbours[n], total[n]);
    std::vector<Real> x(nodes_);
    for (std::size_t n = nodes_; n-- > 0;) {
      Real in = flow_[n];
      for (std::size_t m : neighbours[n]) in += joined(n, m) * x[m];
      x[n] = total[n] == 0.0 ? 0.0 : in / total[n];
    }
    Real mean = 0.0;
    for (std::size_t c = 0; c < cells_ && p_.pressure_is_free(); ++c)
      mean += x[c] / static_cast<Real>(cells_);
    Solution s{Field(g_), {}};
    for (std::size_t c = 0; c < g_.cells(); ++c) {
      if (node_[c] >= 0) s.pressure.values[c] = static_cast<double>(x[node_[c]] - mean);
    }
    for (std::size_t b = cells_; b < nodes_; ++b) s.bores.push_back(static_cast<double>(x[b] - mean));
    return s;
  }

 private:
  using Real = long double;

  static bool has_node(const Well& w) { return w.control == Well::Control::rate && w.radius > 0; }

  Real& joined(std::size_t a, std::size_t b) { return joined_[a * nodes_ + b]; }

  void join(std::size_t a, std::size_t b, Real conductance) {
    joined(a, b) += conductance;
    joined(b, a) += conductance;
  }

  void hold(std::size_t node, Real conductance, Real pressure) {
    ground_[node] += conductance;
    flow_[node] += conductance * pressure;
  }

  void take_out(std::size_t n, std::vector<std::size_t>& neighbours, Real& total) {
    total = ground_[n];
    for (std::size_t m = n + 1; m < nodes_; ++m) {
      if (joined(n, m) == 0.0) continue;
      neighbours.push_back(m);
      total += joined(n, m);
    }
    for (std::size_t m : neighbours) {
      const Real share = joined(n, m) / total;
      ground_[m] += share * ground_[n];
      flow_[m] += share * flow_[n];
      for (std::size_t other : neighbours) {
        if (other != m) joined(m, other) += share * joined(n, other);
      }
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
    const int own_node = node_[g_.index(i, j, k)];
    if (own_node < 0) return;
    flow_[own_node] += p_.source(i, j, k) * volume;
    for (int axis = 0; axis < 3; ++axis) {
      const double area = volume / h[axis];
      const double own = along(axis, g_.index(i, j, k)) * area / (h[axis] / 2);
      for (const int step : {-1, 1}) {
        std::array<int, 3> next = at;
        next[axis] += step;
        if (next[axis] >= 0 && next[axis] < n[axis]) {
          const std::size_t c = g_.index(next[0], next[1], next[2]);
          if (node_[c] < 0 || step < 0) continue;
          join(own_node, node_[c], 1 / (1 / own + 1 / (along(axis, c) * area / (h[axis] / 2))));
          continue;
        }
        const int position = axis == 0 ? k * g_.ny + j : axis == 1 ? k * g_.nx + i : j * g_.nx + i;
        const BoundaryCondition& side = p_.boundary[2 * axis + (step > 0 ? 1 : 0)];
        const double value = side.values[position];
        if (side.type == BoundaryCondition::Type::pressure) {
          hold(own_node, own, value);
        } else {
          flow_[own_node] -= value * area;
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
    if (has_node(w)) flow_[bore] += w.value;
    for (std::size_t c : open) {
      if (has_node(w)) {
        join(node_[c], bore, index_of(w, c));
      } else if (w.control == Well::Control::pressure) {
        hold(node_[c], index_of(w, c), w.value);
      } else {
        flow_[node_[c]] += w.value * std::sqrt(along(0, c) * along(1, c)) / total;
      }
    }
  }

  const Problem& p_;
  Grid g_;
  std::vector<int> node_;
  std::size_t cells_ = 0;
  std::size_t nodes_ = 0;
  std::vector<Real> joined_;  // conductances, [node, node]
  std::vector<Real> ground_;  // of each node
  std::vector<Real> flow_;    // into each node
};

}  // namespace mano
