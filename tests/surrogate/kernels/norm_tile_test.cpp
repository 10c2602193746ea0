// The GPU's layer norms, every thread of every block, run on the CPU: against the equations in double precision.
#include "surrogate/kernels/norm_tile.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "surrogate/kernels/host_block.hpp"

namespace mano {
namespace {

using namespace norm_tile;

using Block = HostBlock<float, kThreads>;

using Row = std::vector<double>;

// u = (x - mean) / sqrt(var + eps); returns 1 / sqrt(var + eps).
double normalized(const Row& x, Row& u) {
  double mean = 0, variance = 0;
  for (double v : x) mean += v / x.size();
  for (double v : x) variance += (v - mean) * (v - mean) / x.size();
  const double scale = 1 / std::sqrt(variance + 1e-5);
  u.resize(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) u[i] = (x[i] - mean) * scale;
  return scale;
}

Row back(const Row& d, const Row& u, double scale) {
  double mean = 0, share = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    mean += d[i] / d.size();
    share += d[i] * u[i] / d.size();
  }
  Row result(d.size());
  for (std::size_t i = 0; i < d.size(); ++i) result[i] = scale * (d[i] - mean - u[i] * share);
  return result;
}

double difference(const std::vector<double>& actual, const std::vector<double>& expected) {
  double sum = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    sum += std::pow(actual[i] - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  return std::sqrt(sum / size);  // not a number where one was not written
}

template <typename S>
std::vector<double> wide(const std::vector<S>& v) {
  std::vector<double> result;
  for (const S& s : v) result.push_back(tile::widen(s));
  return result;
}

template <int G, int n, bool two, typename S>
void expect_the_equations(int rows, int blocks, double tolerance) {
  constexpr int C = G * n;
  std::mt19937 generator(rows);
  std::normal_distribution<float> normal;
  const auto draw = [&](auto& to, float mean, float deviation) {
    for (auto& v : to) tile::narrow(mean + deviation * normal(generator), v);
  };
  struct alignas(16) Aligned {
    float v[4][C];
  };
  const auto w = std::make_unique<Aligned>();
  for (int k = 0; k < 4; ++k) draw(w->v[k], k % 2 == 0 ? 1.0f : 0.0f, 0.4f);
  std::vector<S> x(rows * C), d_y(rows * C);
  draw(x, 2.0f, 3.0f);
  draw(d_y, 0.0f, 1.0f);
  S unwritten;
  tile::narrow(NAN, unwritten);
  std::vector<S> y(x.size(), unwritten), d_x(x.size(), unwritten);
  std::vector<float> sums(static_cast<std::size_t>(blocks) * 4 * C, NAN);
  const Weights weights{w->v[0], w->v[1], two ? w->v[2] : nullptr, two ? w->v[3] : nullptr};
  Block::run(blocks, [&](Block& b) { forward<G, n, two>(b, rows, x.data(), weights, y.data()); });
  const auto gathered = std::make_unique<Aligned>();
  Block::run(blocks, [&](Block& b) {
    backward<G, n, two>(b, &gathered->v[0][0], rows, x.data(), weights, d_y.data(), d_x.data(), sums.data());
  });

  std::vector<double> expected, d_expected, totals(4 * C, 0.0);
  for (int r = 0; r < rows; ++r) {
    Row row(C), d(C), u, a;
    for (int i = 0; i < C; ++i) row[i] = tile::widen(x[r * C + i]);
    for (int i = 0; i < C; ++i) d[i] = tile::widen(d_y[r * C + i]);
    const double scale1 = normalized(row, u);
    Row out(C);
    for (int i = 0; i < C; ++i) out[i] = u[i] * w->v[0][i] + w->v[1][i];
    if (two) {
      const double scale2 = normalized(out, a);
      for (int i = 0; i < C; ++i) {
        out[i] = a[i] * w->v[2][i] + w->v[3][i];
        totals[2 * C + i] += d[i] * a[i];
        totals[3 * C + i] += d[i];
        d[i] *= w->v[2][i];
      }
      d = back(d, a, scale2);
    }
    for (int i = 0; i < C; ++i) {
      totals[i] += d[i] * u[i];
      totals[C + i] += d[i];
      d[i] *= w->v[0][i];
    }
    d = back(d, u, scale1);
    expected.insert(expected.end(), out.begin(), out.end());
    d_expected.insert(d_expected.end(), d.begin(), d.end());
  }
  std::vector<double> added(4 * C, 0.0);
  for (int b = 0; b < blocks; ++b)
    for (int i = 0; i < 4 * C; ++i) added[i] += sums[static_cast<std::size_t>(b) * 4 * C + i];
  EXPECT_LT(difference(wide(y), expected), tolerance) << C << " " << rows;
  EXPECT_LT(difference(wide(d_x), d_expected), tolerance) << C << " " << rows;
  for (int k = 0; k < (two ? 4 : 2); ++k) {
    const auto part = [&](const std::vector<double>& v) {
      return std::vector<double>(v.begin() + k * C, v.begin() + (k + 1) * C);
    };
    EXPECT_LT(difference(part(added), part(totals)), 1e-5) << C << " " << rows << " sum " << k;
  }
}

TEST(NormTile, ResultsAndGradientsAreTheEquations) {
  expect_the_equations<8, 4, true, float>(1, 1, 3e-6);
  expect_the_equations<8, 4, true, float>(100, 2, 3e-6);
  expect_the_equations<8, 4, false, float>(70, 1, 3e-6);
  expect_the_equations<4, 4, true, float>(130, 1, 3e-6);
  expect_the_equations<4, 12, true, float>(65, 1, 3e-6);
  expect_the_equations<16, 4, false, float>(40, 2, 3e-6);
  expect_the_equations<8, 12, true, float>(33, 1, 3e-6);
  expect_the_equations<32, 4, true, float>(20, 2, 3e-6);
  expect_the_equations<32, 8, true, float>(9, 1, 3e-6);
  expect_the_equations<8, 4, true, BFloat16>(60, 1, 1e-2);
  expect_the_equations<32, 4, false, BFloat16>(20, 1, 1e-2);
}

}  // namespace
}  // namespace mano
