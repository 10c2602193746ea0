#pragma once
// The loops of the multigrid in three dimensions (solver/volume_multigrid.hpp) over plain arrays, compiled once for each instruction set
// as those of multigrid_kernels.hpp are. Private to solver/.
//
// Arrays are [ny, nz, nx]: a slab of all layers of one row j lies together, and with it all columns that are relaxed together. While a
// hierarchy is set up, point (i, j, k) of an array is array[(j * nz + k) * stride + i]. In a cycle a row holds its even points first and its
// odd ones `half` further on. Either way there is one more point at each end of a row and one more slab on each side, all zero.

#include <cstddef>

#include "solver/multigrid_kernels.hpp"

namespace mano {

/// Symmetric operator: nine points in a layer, as `Conductances` has them, with the diagonal of the layer alone, and one coupling with each
/// of the two layers beside it:
///   (A x)_k = (layer's operator x_k) + up_k (x_k - x_(k-1)) + up_(k+1) (x_k - x_(k+1))
struct VolumeSetup {
  int nx = 0;
  int ny = 0;
  int nz = 0;
  std::ptrdiff_t stride = 0;
  Conductances<double> a;
  double* up = nullptr;  ///< layers k - 1 and k; 0 for k = 0

  std::ptrdiff_t slab() const { return nz * stride; }
};

template <typename T>
struct VolumeLevel {
  int nx = 0;
  int ny = 0;
  int nz = 0;
  std::ptrdiff_t stride = 0;
  std::ptrdiff_t half = 0;
  T* east = nullptr;
  T* north = nullptr;
  T* rising = nullptr;  ///< null for an operator on five points a layer
  T* falling = nullptr;
  T* up = nullptr;
  T* inverse = nullptr;  ///< of the pivots of each column's equations, eliminated from the top
  T* x = nullptr;
  T* b = nullptr;
  Interpolation<T> in_x;  ///< as in Level, a row for each (j, k)
  Interpolation<T> in_y;
  T* row[3] = {nullptr, nullptr, nullptr};  ///< scratch of one row each, zero outside

  std::ptrdiff_t slab() const { return nz * stride; }
};

template <typename T>
struct VolumeCycleKernels {
  /// The operator of a grid in this precision; the last pivot of each column counts as 0 where nothing but rounding is left of it.
  void (*take_operator)(const VolumeSetup& from, const VolumeLevel<T>& to);
  /// `rows` rows of weights; with half = 0 they stay in their order.
  void (*take_weights)(int nx, std::ptrdiff_t rows, std::ptrdiff_t from_stride, const double* from,
                       std::ptrdiff_t to_stride, T* weights, std::ptrdiff_t half);
  /// fine.x = one Gauss-Seidel step by columns for A x = fine.b from 0, then coarse.b = P^T (b - A x).
  void (*smooth_and_restrict)(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse);
  /// fine.x += P coarse.x, then one Gauss-Seidel step in the opposite order.
  void (*interpolate_and_smooth)(const VolumeLevel<T>& fine, const VolumeLevel<T>& coarse);
  /// The level of one column.
  void (*solve_column)(const VolumeLevel<T>& level);
};

struct VolumeKernels {
  /// The transmissibilities of solver/stencil.hpp as conductances, times `factor`; `well` may be null.
  void (*take_stencil)(double factor, const double* tx, const double* ty, const double* tz,
                       const double* well, const VolumeSetup& to);
  /// In a layer, summed over all.
  Coupling (*coupling)(const VolumeSetup& grid);
  /// The operator of a grid of half the points in x or in y, and the weights of P in `lower`, `upper` (its layout). `scratch` holds
  /// nz + 2 rows of the coarse grid's nx.
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
