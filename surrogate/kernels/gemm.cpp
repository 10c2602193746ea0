#include "surrogate/kernels/gemm.hpp"

#include "surrogate/kernels/torch.hpp"

// Torch's BLAS, by its Fortran names; column-major.
extern "C" {
void sgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k,
            const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
            const float* beta, float* c, const int* ldc);
void dgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k,
            const double* alpha, const double* a, const int* lda, const double* b, const int* ldb,
            const double* beta, double* c, const int* ldc);
}

namespace mano {

namespace {

// A row-major product is the column-major product of the transposes, in the other order.
template <typename T>
void gemm(Layout layout_a, Layout layout_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
          const T* b, T beta, T* c) {
  if (m == 0) return;
  const char* transpose[] = {"N", "T"};
  const char* op_a = transpose[layout_a == Layout::transposed ? 1 : 0];
  const char* op_b = transpose[layout_b == Layout::transposed ? 1 : 0];
  const int rows = static_cast<int>(m), columns = static_cast<int>(n), inner = static_cast<int>(k);
  const int step_a = layout_a == Layout::plain ? inner : rows;
  const int step_b = layout_b == Layout::plain ? columns : inner;
  const T one = 1;
  if constexpr (std::is_same_v<T, float>) {
    sgemm_(op_b, op_a, &columns, &rows, &inner, &one, b, &step_b, a, &step_a, &beta, c, &columns);
  } else {
    dgemm_(op_b, op_a, &columns, &rows, &inner, &one, b, &step_b, a, &step_a, &beta, c, &columns);
  }
}

torch::Tensor matrix(const BFloat16* at, std::int64_t rows, std::int64_t columns) {
  return torch::from_blob(const_cast<BFloat16*>(at), {rows, columns}, torch::kBFloat16);
}

}  // namespace

template <typename S>
void multiply(Layout layout_a, Layout layout_b, std::int64_t m, std::int64_t n, std::int64_t k, const S* a,
              const S* b, S* c) {
  gemm<S>(layout_a, layout_b, m, n, k, a, b, 0, c);
}

template <>
void multiply<BFloat16>(Layout layout_a, Layout layout_b, std::int64_t m, std::int64_t n, std::int64_t k,
                        const BFloat16* a, const BFloat16* b, BFloat16* c) {
  if (m == 0) return;
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  auto out = matrix(c, m, n);
  at::mm_out(out, layout_a == Layout::plain ? matrix(a, m, k) : matrix(a, k, m).t(),
             layout_b == Layout::plain ? matrix(b, k, n) : matrix(b, n, k).t());
}

template <typename S>
void add_transposed_product(std::int64_t m, std::int64_t n, std::int64_t k, const S* a, const S* b,
                            Sum<S>* c) {
  if (k > 0) gemm<S>(Layout::transposed, Layout::plain, m, n, k, a, b, 1, c);
}

template <>
void add_transposed_product<BFloat16>(std::int64_t m, std::int64_t n, std::int64_t k, const BFloat16* a,
                                      const BFloat16* b, float* c) {
  if (k == 0) return;
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  const auto product = at::mm(matrix(a, k, m).t(), matrix(b, k, n));
  token_kernels<BFloat16>().add_back(m * n, reinterpret_cast<const BFloat16*>(product.data_ptr()), c);
}

template void multiply<float>(Layout, Layout, std::int64_t, std::int64_t, std::int64_t, const float*,
                              const float*, float*);
template void multiply<double>(Layout, Layout, std::int64_t, std::int64_t, std::int64_t, const double*,
                               const double*, double*);
template void add_transposed_product<float>(std::int64_t, std::int64_t, std::int64_t, const float*,
                                            const float*, float*);
template void add_transposed_product<double>(std::int64_t, std::int64_t, std::int64_t, const double*,
                                             const double*, double*);

}  // namespace mano
