#include "surrogate/kernels/gemm.hpp"

#include <algorithm>
#include <vector>

#include "surrogate/kernels/torch.hpp"

namespace mano {

namespace {

// b [n, k] as [k, n], in squares that a cache holds.
template <typename T>
void transpose(const T* b, std::int64_t n, std::int64_t k, T* turned) {
  constexpr std::int64_t kSide = 16;
  for (std::int64_t first = 0; first < n; first += kSide) {
    const std::int64_t last = std::min(first + kSide, n);
    for (std::int64_t i = 0; i < k; ++i)
      for (std::int64_t j = first; j < last; ++j) turned[i * n + j] = b[j * k + i];
  }
}

// The same, valid until this thread's next call.
const float* transposed(const float* b, std::int64_t n, std::int64_t k) {
  thread_local std::vector<float> turned;
  turned.resize(std::max(turned.size(), static_cast<std::size_t>(n * k)));
  transpose(b, n, k, turned.data());
  return turned.data();
}

torch::Tensor matrix(const BFloat16* at, std::int64_t rows, std::int64_t columns) {
  return torch::from_blob(const_cast<BFloat16*>(at), {rows, columns}, torch::kBFloat16);
}

}  // namespace

template <typename S>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const S* a, const S* b, S* c) {
  product_kernel<S>()(m, n, k, a, k, 1, b, false, c);
}

template <>
void multiply<BFloat16>(std::int64_t m, std::int64_t n, std::int64_t k, const BFloat16* a, const BFloat16* b,
                        BFloat16* c) {
  if (m == 0) return;
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  auto out = matrix(c, m, n);
  at::mm_out(out, matrix(a, m, k), matrix(b, k, n));
}

template <typename S>
void add_transposed_product(std::int64_t m, std::int64_t n, std::int64_t k, const S* a, const S* b,
                            Sum<S>* c) {
  product_kernel<S>()(m, n, k, a, 1, m, b, true, c);
}

template <>
void add_transposed_product<BFloat16>(std::int64_t m, std::int64_t n, std::int64_t k, const BFloat16* a,
                                      const BFloat16* b, float* c) {
  if (k == 0) return;
  const at::AutoDispatchBelowADInplaceOrView no_autograd;
  const auto product = at::mm(matrix(a, k, m).t(), matrix(b, k, n));
  token_kernels<BFloat16>().add_back(m * n, reinterpret_cast<const BFloat16*>(product.data_ptr()), c);
}

torch::Tensor transposed(const torch::Tensor& matrix) {
  if (!matrix.device().is_cpu() || matrix.scalar_type() != torch::kFloat || !matrix.is_contiguous())
    return matrix.t().contiguous();
  auto turned = torch::empty({matrix.size(1), matrix.size(0)}, matrix.options().requires_grad(false));
  transpose(matrix.const_data_ptr<float>(), matrix.size(0), matrix.size(1), turned.mutable_data_ptr<float>());
  return turned;
}

torch::Tensor batched_product(const torch::Tensor& a, const torch::Tensor& b, Layout layout_b,
                              const Addend& add) {
  const bool adds = add.matrix.defined();
  if (!a.device().is_cpu() || a.scalar_type() != torch::kFloat) {
    const torch::Tensor right = layout_b == Layout::plain ? b : b.mH();
    return adds ? torch::baddbmm(add.matrix, a, right, add.factor, add.factor_of_product)
                : torch::bmm(a, right);
  }
  const std::int64_t m = a.size(1), k = a.size(2), n = b.size(layout_b == Layout::plain ? 2 : 1);
  const auto left = a.contiguous(), right = b.contiguous(),
             out = torch::empty({a.size(0), m, n}, a.options());
  const auto added = adds ? add.matrix.contiguous() : torch::Tensor();
  at::parallel_for(0, a.size(0), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      float* to = out.mutable_data_ptr<float>() + i * m * n;
      const float* of_right = right.const_data_ptr<float>() + i * k * n;
      multiply(m, n, k, left.const_data_ptr<float>() + i * m * k,
               layout_b == Layout::plain ? of_right : transposed(of_right, n, k), to);
      if (!adds) continue;
      const float* c = added.const_data_ptr<float>() + i * m * n;
      const auto factor = static_cast<float>(add.factor),
                 of_product = static_cast<float>(add.factor_of_product);
      for (std::int64_t j = 0; j < m * n; ++j) to[j] = factor * c[j] + of_product * to[j];
    }
  });
  return out;
}

template void multiply<float>(std::int64_t, std::int64_t, std::int64_t, const float*, const float*, float*);
template void multiply<double>(std::int64_t, std::int64_t, std::int64_t, const double*, const double*,
                               double*);
template void add_transposed_product<float>(std::int64_t, std::int64_t, std::int64_t, const float*,
                                            const float*, float*);
template void add_transposed_product<double>(std::int64_t, std::int64_t, std::int64_t, const double*,
                                             const double*, double*);

}  // namespace mano
