#pragma once
// The two-phase field of datagen/random_field.hpp by one team: the same random numbers, summed mode by mode where the CPU takes a fast
// transform. At no more than some hundred points a side two products of small matrices cost less than a transform's passes.
//
//   g = C_y S C_x^T,   S_nm the coefficient of cos(pi m x / lx) cos(pi n y / ly), modes beyond the grid's folded onto it

#include <cmath>

#include "batch/plan.hpp"
#include "batch/team.hpp"
#include "datagen/counter_random.hpp"

namespace mano::batch {

/// The field's own numbers: phases, tau and domain. Modes and stream are those of datagen/gaussian_field.cpp.
struct TwoPhase {
  double low, high;
  double tau;
  double lx, ly;
  std::uint64_t seed;
};

inline constexpr int kNeumannModes = 128;
inline constexpr double kPi = 3.14159265358979323846;

/// Every mode that looks on n points like mode `index` or its opposite: visit(mode, sign).
template <typename Visit>
MANO_BOTH void for_modes_like(int index, int n, const Visit& visit) {
  for (int m = index; m < kNeumannModes; m += 2 * n) visit(m, (m / (2 * n)) % 2 == 0 ? 1.0 : -1.0);
  if (index == 0) return;
  for (int m = 2 * n - index; m < kNeumannModes; m += 2 * n) visit(m, (m / (2 * n)) % 2 == 0 ? -1.0 : 1.0);
}

/// cos(pi m (i + 1/2) / n) at table[m * n + i]; made once for all samples.
inline void cosine_table(int n, double* table) {
  for (int m = 0; m < n; ++m)
    for (int i = 0; i < n; ++i) table[m * n + i] = std::cos(kPi * m * (i + 0.5) / n);
}

/// k [ny, nx] of sample `sample`. scratch: nx ny doubles each; cosines: cosine_table() of nx and of ny.
template <typename Team>
MANO_BOTH void draw_two_phase(Team& team, const Plan& plan, const TwoPhase& field, std::uint64_t sample,
                              const double* cosines_x, const double* cosines_y, double* spectrum,
                              double* half_way, double* k) {
  const int nx = plan.nx, ny = plan.ny;
  const CounterRandom random(field.seed, kNeumannStream, sample);
  team.each(nx * ny, [&](int p) {
    const int row = plan.level[0].whole.quotient(p);
    double sum = 0;
    for_modes_like(row, ny, [&](int n, double sign_y) {
      for_modes_like(p - row * nx, nx, [&](int m, double sign_x) {
        if (m == 0 && n == 0) return;
        const double laplacian = kPi * kPi * (m * m / (field.lx * field.lx) + n * n / (field.ly * field.ly));
        const double norm = std::sqrt((m > 0 ? 2.0 : 1.0) * (n > 0 ? 2.0 : 1.0) / (field.lx * field.ly));
        sum += sign_x * sign_y * norm * random.normal(m, n) / (laplacian + field.tau * field.tau);
      });
    });
    spectrum[p] = sum;
  });
  // Four rows at a time: a cosine is read once for them.
  const int fours = (ny + 3) / 4;
  team.each(nx * fours, [&](int item) {
    const int four = plan.level[0].whole.quotient(item);
    const int i = item - four * nx;
    double sums[4] = {};
    for (int m = 0; m < nx; ++m) {
      const double cosine = cosines_x[m * nx + i];
      for (int r = 0; r < 4; ++r) {
        const int row = 4 * four + r;
        if (row < ny) sums[r] += spectrum[row * nx + m] * cosine;
      }
    }
    for (int r = 0; r < 4; ++r)
      if (4 * four + r < ny) half_way[(4 * four + r) * nx + i] = sums[r];
  });
  team.each(nx * fours, [&](int item) {
    const int four = plan.level[0].whole.quotient(item);
    const int i = item - four * nx;
    double sums[4] = {};
    for (int n = 0; n < ny; ++n) {
      const double value = half_way[n * nx + i];
      for (int r = 0; r < 4; ++r) {
        const int row = 4 * four + r;
        if (row < ny) sums[r] += cosines_y[n * ny + row] * value;
      }
    }
    for (int r = 0; r < 4; ++r)
      if (4 * four + r < ny) k[(4 * four + r) * nx + i] = sums[r] > 0 ? field.high : field.low;
  });
}

}  // namespace mano::batch
