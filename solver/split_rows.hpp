#pragma once
// What a multigrid lends to conjugate gradients: the vectors of its finest level, in its precision and layout. Private to solver/.

#include <cstddef>

namespace mano {

/// Rows of an array whose even columns come first, and the odd ones `half` further on.
template <typename T>
struct SplitRows {
  T* values = nullptr;
  std::ptrdiff_t along_y = 0;  ///< from row j to j + 1
  std::ptrdiff_t along_z = 0;  ///< from layer k to k + 1
  std::ptrdiff_t half = 0;

  T* row(std::ptrdiff_t j, std::ptrdiff_t k) const { return values + j * along_y + k * along_z; }
};

/// A cycle solves (scale A) x = b approximately: for b = r, z = scale x.
template <typename T>
struct CycleVectors {
  SplitRows<T> b;
  SplitRows<T> x;
  double scale = 1.0;
};

}  // namespace mano
