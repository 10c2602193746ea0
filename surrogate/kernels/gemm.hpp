#pragma once
// Matrix products of one thread by Torch's BLAS, for use within parallel loops, on row-major matrices without gaps. Private to
// surrogate/.

#include <cstdint>

#include "surrogate/kernels/token_kernels.hpp"

namespace mano {

enum class Layout { plain, transposed };

/// c [m, n] = op(a) op(b), for op(a) [m, k] and op(b) [k, n]; a transposed matrix is stored as [k, m] or [n, k].
template <typename S>
void multiply(Layout layout_a, Layout layout_b, std::int64_t m, std::int64_t n, std::int64_t k, const S* a,
              const S* b, S* c);

/// c [m, n] += a^T b, for a [k, m] and b [k, n].
template <typename S>
void add_transposed_product(std::int64_t m, std::int64_t n, std::int64_t k, const S* a, const S* b,
                            Sum<S>* c);

}  // namespace mano
