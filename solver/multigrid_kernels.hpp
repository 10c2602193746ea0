#pragma once
// The loops of solver/multigrid.hpp over plain arrays. multigrid_kernels.cpp is compiled once for each instruction set
// (baseline, AVX2, AVX-512); the best that the processor has is picked at run time. Private to solver/.
//
// Every array of a level has one more point on each side, all zero, so that no loop needs to know where the boundary
// lies: point (i, j) is array[j * stride + i] for -1 <= i <= nx and -1 <= j <= ny.

#include <cstddef>

namespace mano {

/// Symmetric operator on nine points, as conductances between a point and four of its neighbours:
///   (A x)_ij = diagonal_ij x_ij - sum over the eight neighbours of conductance * x_neighbour
template <typename T>
struct Conductances {
  T* diagonal = nullptr;
  T* east = nullptr;     ///< (i, j) to (i + 1, j)
  T* north = nullptr;    ///< (i, j) to (i, j + 1)
  T* rising = nullptr;   ///< (i, j) to (i + 1, j + 1); null for an operator on five points
  T* falling = nullptr;  ///< (i + 1, j) to (i, j + 1); null for an operator on five points
};

/// Interpolation in one direction: coarse point I is fine point 2 I, and fine point 2 I + 1 takes
///   x = lower_I X_I + upper_I X_(I+1).
/// Null where nothing is coarsened in this direction.
template <typename T>
struct Interpolation {
  T* lower = nullptr;
  T* upper = nullptr;
  std::ptrdiff_t stride = 0;
};

template <typename T>
struct Level {
  int nx = 0;
  int ny = 0;
  std::ptrdiff_t stride = 0;
  Conductances<T> a;
  T* inverse_diagonal = nullptr;
  T* x = nullptr;
  T* b = nullptr;
  Interpolation<T> in_x;  ///< from the next level: in y first, then in x; weights at (I, j)
  Interpolation<T> in_y;  ///< weights at (I, J)
  T* row = nullptr;       ///< scratch of one row
  const T* colour[2] = {nullptr, nullptr};  ///< 1 0 1 0 ... and 0 1 0 1 ...
};

template <typename T>
struct CycleKernels {
  /// fine.x = `sweeps` Gauss-Seidel sweeps for A x = fine.b from 0, then coarse.b = P^T (b - A x).
  void (*smooth_and_restrict)(const Level<T>& fine, const Level<T>& coarse, int sweeps);
  /// fine.x += P coarse.x, then `sweeps` Gauss-Seidel sweeps in the opposite order.
  void (*interpolate_and_smooth)(const Level<T>& fine, const Level<T>& coarse, int sweeps);
};

/// An operator in double precision while a hierarchy is set up.
struct SetupGrid {
  int nx = 0;
  int ny = 0;
  std::ptrdiff_t stride = 0;
  Conductances<double> a;
};

struct Kernels {
  /// coarse = P^T fine P, coarsened in x or in y, and the weights of P in `lower`, `upper` (the coarse grid's layout).
  void (*coarsen_x)(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper);
  void (*coarsen_y)(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper);
  /// y = A x for the transmissibilities of solver/stencil.hpp, x and y [ny, nx].
  void (*apply_stencil)(int nx, int ny, const double* tx, const double* ty, const double* x, double* y);
  double (*largest)(std::size_t n, const double* x);  ///< max |x|
  CycleKernels<float> single_precision;
  CycleKernels<double> double_precision;

  const CycleKernels<float>& cycle(float) const { return single_precision; }
  const CycleKernels<double>& cycle(double) const { return double_precision; }
};

const Kernels& kernels();

}  // namespace mano
