#pragma once
// Matrix products of one thread, for use within parallel loops, on row-major matrices without gaps: of float and double by
// token_products.hpp, of BFloat16 by Torch. Private to surrogate/.

#include <torch/types.h>

#include <cstdint>

#include "surrogate/kernels/token_kernels.hpp"

namespace mano {

/// c [m, n] = a b, for a [m, k] and b [k, n].
template <typename S>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const S* a, const S* b, S* c);

/// c [m, n] += a^T b, for a [k, m] and b [k, n].
template <typename S>
void add_transposed_product(std::int64_t m, std::int64_t n, std::int64_t k, const S* a, const S* b,
                            Sum<S>* c);

/// The transpose of a matrix, without gaps.
torch::Tensor transposed(const torch::Tensor& matrix);

enum class Layout { plain, transposed };

/// What is added to a product P: factor * matrix + factor_of_product * P; nothing where the matrix is undefined.
struct Addend {
  torch::Tensor matrix;
  double factor = 1.0;
  double factor_of_product = 1.0;
};

/// a b of every matrix: a [N, m, k], b [N, k, n] or, transposed (and, of complex numbers, conjugate), [N, n, k]. float on a CPU
/// by the products above, all else by Torch; no gradients.
torch::Tensor batched_product(const torch::Tensor& a, const torch::Tensor& b, Layout layout_b,
                              const Addend& add = {});

}  // namespace mano
