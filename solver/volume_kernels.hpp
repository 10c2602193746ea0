#pragma once
// The loops of solver/volume_multigrid.hpp over plain arrays. volume_kernels.cpp is compiled once for each instruction set, as
// multigrid_kernels.cpp is. Private to solver/.
//
// A level is cut into slabs j of nz rows of columns i; what is done to a slab of column parity p is done to nx / 2 vertical lines at
// once. While a hierarchy is set up, point (i, j, k) of an array is array[j * slab + k * stride + i]. In a cycle a row holds its even
// columns first and its odd ones `half` further on:
//   (i, j, k) is array[j * slab + k * stride + (i % 2) * half + i / 2].
// Either way there is a slab more on each side, and a point more on each side of a row, all zero.

#include <cstddef>

#include "solver/split_rows.hpp"

namespace mano {

/// Symmetric operator: nine points in a layer, and the points above and below,
///   (A x)_ijk = diagonal x_ijk - sum over the eight neighbours of conductance * x_neighbour
///             + t_k (x_ijk - x_ij,k-1) + t_(k+1) (x_ijk - x_ij,k+1),   x = 0 outside.
template <typename T>
struct LayerConductances {
  T* east = nullptr;     ///< (i, j, k) to (i + 1, j, k)
  T* north = nullptr;    ///< (i, j, k) to (i, j + 1, k)
  T* rising = nullptr;   ///< (i, j, k) to (i + 1, j + 1, k); null for five points in a layer
  T* falling = nullptr;  ///< (i + 1, j, k) to (i, j + 1, k); null for five points in a layer
};

/// Weights of the interpolation in one direction, layer by layer: coarse point I is fine point 2 I, and fine point 2 I + 1 takes
///   x = lower_I X_I + upper_I X_(I+1).
/// Null where nothing is coarsened in this direction.
template <typename T>
struct LayerInterpolation {
  T* lower = nullptr;
  T* upper = nullptr;
  std::ptrdiff_t stride = 0;
  std::ptrdiff_t slab = 0;
};

template <typename T>
struct VolumeLevel {
  int nx = 0;
  int ny = 0;
  int nz = 0;
  std::ptrdiff_t stride = 0;
  std::ptrdiff_t slab = 0;
  std::ptrdiff_t half = 0;
  LayerConductances<T> a;
  T* vertical = nullptr;       ///< t_k, (i, j, k - 1) to (i, j, k); row 0 is zero
  T* inverse_pivot = nullptr;  ///< of the elimination down each line: x_k = (b_k + t_k x_(k-1)) inverse_pivot_k
  T* x = nullptr;
  T* b = nullptr;
  LayerInterpolation<T> in_x;  ///< from the next level, in y first, then in x; columns in their order
  LayerInterpolation<T> in_y;  ///< weights in the next level's layout
  T* row[3] = {nullptr, nullptr, nullptr};  ///< scratch of one row each, zero outside
};

/// An operator in double precision while a hierarchy is set up.
struct VolumeSetup {
  int nx = 0;
  int ny = 0;
  int nz = 0;
  std::ptrdiff_t stride = 0;
  std::ptrdiff_t slab = 0;
  double* diagonal = nullptr;  ///< without what is vertical
  LayerConductances<double> a;
  double* vertical = nullptr;  ///< nz + 1 rows a slab, first and last of them joined to the pressure 0
  std::ptrdiff_t vertical_slab = 0;

  double* vertical_row(std::ptrdiff_t j, std::ptrdiff_t k) const {
    return vertical + j * vertical_slab + k * stride;
  }
};

template <typename T>
struct VolumeCycleKernels {
  /// The operator of a grid in this precision, with its lines factorised; `scratch` holds a slab and a row.
  void (*take_operator)(const VolumeSetup& from, const VolumeLevel<T>& to, double* scratch);
  /// Weights [ny, nz, from_stride] into `weights` of `to`, even columns first where half > 0.
  void (*take_weights)(const VolumeSetup& grid, const double* from, const LayerInterpolation<T>& to,
                       T* weights, std::ptrdiff_t half);
  /// fine.x = one Gauss-Seidel step by lines for A x = fine.b from 0, then coarse.b = P^T (b - A x).
  void (*smooth_and_restrict)(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse);
  /// fine.x += P coarse.x, then one step in the opposite order.
  void (*interpolate_and_smooth)(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse);
  /// A x = b on one column.
  void (*solve_column)(const VolumeLevel<T>& level);
};

/// Shares of the lateral coupling along x and along y, summed over all points.
struct LateralCoupling {
  double x = 0.0;
  double y = 0.0;
};

struct VolumeKernels {
  /// Transmissibilities of solver/stencil.hpp times `factor`; `tz` and `well` may be null.
  void (*take_stencil)(double factor, const double* tx, const double* ty, const double* tz,
                       const double* well, const VolumeSetup& to);
  LateralCoupling (*coupling)(const VolumeSetup& grid);
  /// The coarse operator, coarsened in x or in y, and the weights of P in `lower`, `upper` (the coarse grid's layout); `scratch` holds
  /// a slab and a row.
  void (*coarsen_x)(const VolumeSetup& fine, const VolumeSetup& coarse, double* lower, double* upper,
                    double* scratch);
  void (*coarsen_y)(const VolumeSetup& fine, const VolumeSetup& coarse, double* lower, double* upper,
                    double* scratch);
  VolumeCycleKernels<float> single_precision;
  VolumeCycleKernels<double> double_precision;

  const VolumeCycleKernels<float>& cycle(float) const { return single_precision; }
  const VolumeCycleKernels<double>& cycle(double) const { return double_precision; }
};

const VolumeKernels& volume_kernels();

}  // namespace mano
