#pragma once
// Bilinear finite elements for -div(k grad p) = 0 on a unit square, k constant a cell: p = 1 left, 0 right, no flow elsewhere.
// Written for the tests alone, with nothing of mano but the field; conjugate gradients without preconditioner.

#include <array>
#include <cmath>
#include <vector>

#include "core/field.hpp"

namespace mano {

/// Effective permeability, the energy of the discrete pressure: never below the exact one.
inline double finite_element_permeability(const Field& k) {
  const int n = k.grid.nx;
  const int m = k.grid.ny;
  const auto node = [&](int i, int j) { return static_cast<std::size_t>(j) * (n + 1) + i; };
  const std::size_t nodes = static_cast<std::size_t>(n + 1) * (m + 1);
  // Stiffness of a square bilinear element: corners in the order (0,0), (1,0), (0,1), (1,1).
  constexpr double kElement[4][4] = {{4. / 6, -1. / 6, -1. / 6, -2. / 6},
                                     {-1. / 6, 4. / 6, -2. / 6, -1. / 6},
                                     {-1. / 6, -2. / 6, 4. / 6, -1. / 6},
                                     {-2. / 6, -1. / 6, -1. / 6, 4. / 6}};
  const auto multiply = [&](const std::vector<double>& p) {
    std::vector<double> y(nodes, 0.0);
    for (int j = 0; j < m; ++j) {
      for (int i = 0; i < n; ++i) {
        const std::array<std::size_t, 4> corner{node(i, j), node(i + 1, j), node(i, j + 1),
                                                node(i + 1, j + 1)};
        for (int a = 0; a < 4; ++a) {
          for (int b = 0; b < 4; ++b) y[corner[a]] += k(i, j) * kElement[a][b] * p[corner[b]];
        }
      }
    }
    return y;
  };
  const auto free_part = [&](std::vector<double> v) {
    for (int j = 0; j <= m; ++j) v[node(0, j)] = v[node(n, j)] = 0.0;
    return v;
  };
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0.0;
    for (std::size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
    return sum;
  };
  std::vector<double> p(nodes, 0.0);
  for (int j = 0; j <= m; ++j) {
    for (int i = 0; i < n; ++i) p[node(i, j)] = 1.0 - static_cast<double>(i) / n;
  }
  std::vector<double> r = free_part(multiply(p));
  for (double& x : r) x = -x;
  std::vector<double> d = r;
  double rr = dot(r, r);
  for (int iteration = 0; iteration < 20000 && rr > 1e-26; ++iteration) {
    const std::vector<double> q = free_part(multiply(d));
    const double alpha = rr / dot(d, q);
    for (std::size_t c = 0; c < nodes; ++c) {
      p[c] += alpha * d[c];
      r[c] -= alpha * q[c];
    }
    const double next = dot(r, r);
    for (std::size_t c = 0; c < nodes; ++c) d[c] = r[c] + next / rr * d[c];
    rr = next;
  }
  return dot(p, multiply(p));
}

}  // namespace mano
