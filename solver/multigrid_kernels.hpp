#pragma once
// The loops of solver/multigrid.hpp over plain arrays, one table for flat grids and one for volumes. Their files are compiled once for each
// instruction set (baseline, AVX2, AVX-512); the best that the processor has is picked at run time. Private to solver/.
//
// Arrays are [ny, nz, nx]: a slab of all layers of one row j lies together, and with it all columns that are relaxed together; a flat grid
// has one layer. While a hierarchy is set up, point (i, j, k) of an array is array[(j * nz + k) * stride + i]. In a cycle a row holds its
// even points first and its odd ones `half` further on, so that the points that are relaxed together lie side by side:
//   (i, j, k) is array[(j * nz + k) * stride + (i % 2) * half + i / 2].
// Either way there is one more point at each end of a row and one more slab on each side, all zero, and no loop needs to know where the
// boundary lies.

#include <cstddef>

namespace mano {

/// Symmetric operator on nine points of a layer, as conductances between a point and four of its neighbours:
///   (A x)_ij = diagonal_ij x_ij - sum over the eight neighbours of conductance * x_neighbour
template <typename T>
struct Conductances {
  T* diagonal = nullptr;
  T* east = nullptr;     ///< (i, j) to (i + 1, j)
  T* north = nullptr;    ///< (i, j) to (i, j + 1)
  T* rising = nullptr;   ///< (i, j) to (i + 1, j + 1); null for an operator on five points
  T* falling = nullptr;  ///< (i + 1, j) to (i, j + 1); null for an operator on five points
};

/// Interpolation in one direction, on a level in a cycle: coarse point I is fine point 2 I, and fine point 2 I + 1 takes
///   x = lower_I X_I + upper_I X_(I+1).
/// Null where nothing is coarsened in this direction.
template <typename T>
struct Interpolation {
  T* lower = nullptr;
  T* upper = nullptr;
  std::ptrdiff_t stride = 0;
};

/// An operator in double precision while a hierarchy is set up. In a volume `a` is that within each layer, its diagonal included, and
///   (A x)_k = (a x)_k + up_k (x_k - x_(k-1)) + up_(k+1) (x_k - x_(k+1)).
struct SetupGrid {
  int nx = 0;
  int ny = 0;
  int nz = 1;
  std::ptrdiff_t stride = 0;
  Conductances<double> a;
  double* up = nullptr;  ///< layers k - 1 and k, 0 for k = 0; null in a flat grid

  std::ptrdiff_t slab() const { return nz * stride; }
};

template <typename T>
struct Level {
  int nx = 0;
  int ny = 0;
  int nz = 1;
  std::ptrdiff_t stride = 0;
  std::ptrdiff_t half = 0;
  Conductances<T> a;  ///< of a volume without diagonal
  T* up = nullptr;    ///< as in SetupGrid
  T* inverse =
      nullptr;  ///< of the diagonal; in a volume of the pivots of each column's equations, eliminated from the top
  T* x = nullptr;
  T* b = nullptr;
  Interpolation<T>
      in_x;  ///< from the next level, in y first, then in x; weight I of row (j, k) at (j * nz + k) * stride + I
  Interpolation<T> in_y;                    ///< weights in the next level's layout
  T* row[3] = {nullptr, nullptr, nullptr};  ///< scratch of one row each, zero outside

  std::ptrdiff_t slab() const { return nz * stride; }
};

template <typename T>
struct CycleKernels {
  /// The operator of a grid, in this precision.
  void (*take_operator)(const SetupGrid& from, const Level<T>& to);
  /// `rows` rows of the weights of an interpolation; with half = 0 they stay in their order.
  void (*take_weights)(int nx, std::ptrdiff_t rows, std::ptrdiff_t from_stride, const double* from,
                       const Interpolation<T>& to, T* weights, std::ptrdiff_t half);
  /// fine.x = Gauss-Seidel steps for A x = fine.b from 0, then coarse.b = P^T (b - A x).
  void (*smooth_and_restrict)(const Level<T>& fine, const Level<T>& coarse);
  /// fine.x += P coarse.x, then as many Gauss-Seidel steps in the opposite order.
  void (*interpolate_and_smooth)(const Level<T>& fine, const Level<T>& coarse);
  /// The level of a single point or column: x = A^-1 b.
  void (*solve_coarsest)(const Level<T>& level);
};

/// How strongly neighbours couple in x and in y: shares of all points, which add up to 1 in each. A direction that couples more weakly than
/// kWeakCoupling, relative to the other one, is not coarsened: the smoother does not smooth along it.
inline constexpr double kWeakCoupling = 0.3;
struct Coupling {
  double x = 0.0;
  double y = 0.0;
};

struct Kernels {
  /// The transmissibilities of solver/stencil.hpp as conductances, times `factor`; `tz` is null in a flat grid, `well` may be null.
  void (*take_stencil)(double factor, const double* tx, const double* ty, const double* tz,
                       const double* well, const SetupGrid& to);
  /// Within layers.
  Coupling (*coupling)(const SetupGrid& grid);
  /// coarse = P^T fine P, coarsened in x or in y, and the weights of P in `lower`, `upper` (the coarse grid's layout). In a volume `scratch`
  /// holds nz + 2 rows of the coarse grid's nx.
  void (*coarsen_x)(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper,
                    double* scratch);
  void (*coarsen_y)(const SetupGrid& fine, const SetupGrid& coarse, double* lower, double* upper,
                    double* scratch);
  CycleKernels<float> single_precision;
  CycleKernels<double> double_precision;

  const CycleKernels<float>& cycle(float) const { return single_precision; }
  const CycleKernels<double>& cycle(double) const { return double_precision; }
};

const Kernels& flat_kernels();
const Kernels& volume_kernels();

}  // namespace mano
