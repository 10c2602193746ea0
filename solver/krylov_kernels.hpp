#pragma once
// The loops of solver/conjugate_gradients.hpp over plain arrays, in double precision, for flat grids and volumes alike. Vectors are fields,
// [nz, ny, nx]; those of the multigrid have its precision and layout (solver/split_rows.hpp). Each loop makes one pass over memory.
// krylov_kernels.cpp is compiled once for each instruction set, as flat_kernels.cpp is. Private to solver/.

#include <cstddef>

#include "solver/split_rows.hpp"

namespace mano {

/// Of a field [nz, ny, nx] the rows j from `begin` to `end`: what is computed. Others are read as far as the operator reaches.
struct RowsOf {
  std::ptrdiff_t nx = 1;
  std::ptrdiff_t ny = 1;
  std::ptrdiff_t nz = 1;
  std::ptrdiff_t begin = 0;
  std::ptrdiff_t end = 1;
};

/// The matrix of solver/stencil.hpp without bores; `tz` and `well` may be null.
struct Transmissibilities {
  RowsOf grid;
  const double* tx = nullptr;
  const double* ty = nullptr;
  const double* tz = nullptr;
  const double* well = nullptr;
};

struct Products {
  double bz = 0.0;  ///< b . (z - mean)
  double zz = 0.0;  ///< |z - mean|^2
  double z = 0.0;   ///< sum of z
};

template <typename T>
struct KrylovKernelsIn {
  /// to = factor r, and z = factor x.
  void (*load)(const RowsOf& grid, double factor, const double* r, const SplitRows<T>& to);
  void (*unload)(const RowsOf& grid, double factor, const SplitRows<T>& x, double* z);
  /// Of what goes into a cycle and z = x that comes out of it; z = 0, as in inactive cells, stays 0.
  Products (*products)(const RowsOf& grid, const SplitRows<T>& b, const SplitRows<T>& x, double mean);
  /// x += step p, then p = factor z + keep p, both in the rows and in those next to them, and q = A p; returns p . q. With keep = 0 the old p
  /// does not count.
  double (*direction)(const Transmissibilities& a, const SplitRows<T>& z, double factor, double keep,
                      double step, double* x, double* p, double* q);
  /// r -= step q, b = factor r; returns |r|^2.
  double (*residual)(const RowsOf& grid, double step, const double* q, double factor, double* r,
                     const SplitRows<T>& b);
};

struct KrylovKernels {
  /// y = A x.
  void (*apply)(const Transmissibilities& a, const double* x, double* y);
  double (*sum_of_squares)(const RowsOf& grid, const double* x);
  KrylovKernelsIn<float> single_precision;
  KrylovKernelsIn<double> double_precision;

  const KrylovKernelsIn<float>& with(float) const { return single_precision; }
  const KrylovKernelsIn<double>& with(double) const { return double_precision; }
};

const KrylovKernels& krylov_kernels();

}  // namespace mano
