// The table of volume_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name; as multigrid_kernels.cpp.
#include "solver/volume_kernels.hpp"

#include "solver/volume_cycle_loops.hpp"
#include "solver/volume_setup_loops.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// Differences, not diagonal times centre: constants cancel before rounding does harm.
void apply_volume_stencil(int nx, int ny, int nz, const double* tx, const double* ty, const double* tz,
                          const double* x, double* y) {
  const Index layer = static_cast<Index>(nx) * ny;
  for (Index k = 0; k < nz; ++k) {
    for (Index j = 0; j < ny; ++j) {
      const Index row = k * ny + j;
      const double* p = x + row * nx;
      const double* west = tx + row * (nx + 1);
      const double* south = ty + (k * (ny + 1) + j) * nx;
      const double* north = south + nx;
      const double* top = tz + row * nx;
      const double* bottom = top + layer;
      // Outside lies the pressure 0: its differences are those with nothing.
      const double in_front = j > 0, behind = j + 1 < ny, over = k > 0, under = k + 1 < nz;
      const double* front = j > 0 ? p - nx : p;
      const double* back = j + 1 < ny ? p + nx : p;
      const double* above = k > 0 ? p - layer : p;
      const double* below = k + 1 < nz ? p + layer : p;
      double* out = y + row * nx;
#pragma omp simd
      for (Index i = 0; i < nx; ++i)
        out[i] = south[i] * (p[i] - in_front * front[i]) + north[i] * (p[i] - behind * back[i]) +
                 top[i] * (p[i] - over * above[i]) + bottom[i] * (p[i] - under * below[i]);
      out[0] += west[0] * p[0];
#pragma omp simd
      for (Index i = 1; i < nx; ++i) out[i] += west[i] * (p[i] - p[i - 1]);
#pragma omp simd
      for (Index i = 0; i < nx - 1; ++i) out[i] += west[i + 1] * (p[i] - p[i + 1]);
      out[nx - 1] += west[nx] * p[nx - 1];
    }
  }
}

}  // namespace

template <typename T>
constexpr VolumeCycleKernels<T> kVolumeCycle{take_volume_operator<T>,   take_volume_weights<T>,
                                             load<T>,                   unload<T>,
                                             smooth_and_restrict<T>,    interpolate_and_smooth<T>,
                                             solve_column<T>};

extern const VolumeKernels volume_table;
const VolumeKernels volume_table{take_stencil,         coupling,            coarsen<true>,       coarsen<false>,
                                 apply_volume_stencil, kVolumeCycle<float>, kVolumeCycle<double>};

}  // namespace mano::MANO_INSTRUCTIONS
