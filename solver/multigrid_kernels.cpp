// The table of multigrid_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name: the two passes of a
// cycle, made of the rows' loops in the headers below, and the loops of the Krylov method. No header of the standard library with
// inline functions: the linker would be free to take their AVX-512 version for everybody.
#include "solver/multigrid_kernels.hpp"

#include "solver/layout_loops.hpp"
#include "solver/relaxation_loops.hpp"
#include "solver/setup_loops.hpp"
#include "solver/transfer_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// Both passes go through the rows once: phase k works k rows behind the first one, where its neighbours are ready, so that
// the rows in work stay in the cache.
template <typename T>
void smooth_and_restrict(const Level<T>& fine, const Level<T>& coarse, int steps) {
  const Index phases = 2 * steps;
  for (Index j = 0; j < coarse.ny; ++j) {
    for (Index i = 0; i < coarse.half + coarse.nx / 2; ++i) coarse.b[j * coarse.stride + i] = 0;
  }
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) relax_zero(fine, t);
    for (Index k = 1; k < phases; ++k) {
      if (t >= k && t - k < fine.ny) relax(fine, t - k, static_cast<int>(k & 1), false);
    }
    if (t >= phases) {
      residual_row(fine, t - phases, fine.row[0]);
      restrict_row(fine, coarse, t - phases, fine.row[0]);
    }
  }
}

template <typename T>
void interpolate_and_smooth(const Level<T>& fine, const Level<T>& coarse, int steps) {
  const Index phases = 2 * steps;
  for (Index t = 0; t < fine.ny + phases; ++t) {
    if (t < fine.ny) interpolate_row(fine, coarse, t);
    for (Index k = 0; k < phases; ++k) {
      const Index j = t - 1 - k;
      if (j >= 0 && j < fine.ny) relax(fine, j, static_cast<int>((k + 1) & 1), true);
    }
  }
}

// --- Krylov method -----------------------------------------------------------------------------------------------------

// Differences, not diagonal times centre: constants cancel before rounding does harm.
void apply_stencil(int nx, int ny, const double* tx, const double* ty, const double* x, double* y) {
  for (Index j = 0; j < ny; ++j) {
    const double* p = x + j * nx;
    const double* west = tx + j * (nx + 1);
    const double* south = ty + j * nx;
    const double* north = south + nx;
    double* out = y + j * nx;
    out[0] = west[0] * p[0];
#pragma omp simd
    for (Index i = 1; i < nx; ++i) out[i] = west[i] * (p[i] - p[i - 1]);
#pragma omp simd
    for (Index i = 0; i < nx - 1; ++i) out[i] += west[i + 1] * (p[i] - p[i + 1]);
    out[nx - 1] += west[nx] * p[nx - 1];
    if (j > 0) {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) out[i] += south[i] * (p[i] - p[i - nx]);
    } else {
      for (Index i = 0; i < nx; ++i) out[i] += south[i] * p[i];
    }
    if (j + 1 < ny) {
#pragma omp simd
      for (Index i = 0; i < nx; ++i) out[i] += north[i] * (p[i] - p[i + nx]);
    } else {
      for (Index i = 0; i < nx; ++i) out[i] += north[i] * p[i];
    }
  }
}

double sum_of_squares(std::size_t n, const double* x) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

}  // namespace

template <typename T>
constexpr CycleKernels<T> kCycle{take_operator<T>, take_weights<T>,        load<T>,
                                 unload<T>,        smooth_and_restrict<T>, interpolate_and_smooth<T>};

extern const Kernels table;
const Kernels table{take_stencil,  coupling,       coarsen<true>, coarsen<false>,
                    apply_stencil, sum_of_squares, kCycle<float>, kCycle<double>};

}  // namespace mano::MANO_INSTRUCTIONS
