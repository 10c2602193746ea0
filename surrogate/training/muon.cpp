#include "surrogate/training/muon.hpp"

#include <algorithm>
#include <cmath>

#include "surrogate/kernels/gemm.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano::muon {

using torch::Tensor;

namespace {

constexpr std::int64_t kNarrowest = 8;

bool is_spectral(torch::IntArrayRef shape) {
  return shape.size() == 5 && shape[4] == 2;
}

}  // namespace

bool has_matrices(torch::IntArrayRef shape) {
  if (shape.size() < 2 || shape[0] < kNarrowest) return false;
  if (is_spectral(shape)) return shape[1] >= kNarrowest;
  const bool depthwise = shape.size() > 2 && shape[1] == 1;
  std::int64_t columns = 1;
  for (const std::int64_t n : shape.slice(1)) columns *= n;
  return !depthwise && columns >= kNarrowest;
}

Tensor matrices(const Tensor& w) {
  if (is_spectral(w.sizes().slice(1)))
    return torch::view_as_complex(w).permute({0, 3, 4, 1, 2}).flatten(0, 2);
  return w.flatten(2);
}

Tensor weights_of(const Tensor& m, torch::IntArrayRef s) {
  if (!is_spectral(s.slice(1))) return m.reshape(s);
  return torch::view_as_real(m.reshape({s[0], s[3], s[4], s[1], s[2]}).permute({0, 3, 4, 1, 2}).contiguous());
}

Tensor orthonormal(const Tensor& m) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;  // x -> a x + b x^3 + c x^5 on singular values
  constexpr int kSteps = 5;
  const bool tall = m.size(1) > m.size(2);
  const auto wide = tall ? m.mH() : m;
  auto x = torch::empty(wide.sizes(), m.options());  // without gaps, so that no product copies it
  torch::div_out(x, wide, torch::linalg_vector_norm(wide, 2, torch::IntArrayRef({1, 2}), true) + 1e-20);
  for (int step = 0; step < kSteps; ++step) {
    const auto gram = batched_product(x, x, Layout::transposed);
    const auto polynomial = batched_product(gram, gram, Layout::plain, {gram, kB, kC});
    x = batched_product(polynomial, x, Layout::plain, {x, kA, 1.0});
  }
  return tall ? x.mH() : x;
}

double step_size(const Tensor& m) {
  return 0.2 * std::sqrt(static_cast<double>(std::max(m.size(1), m.size(2))));
}

}  // namespace mano::muon
