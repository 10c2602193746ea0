#include "surrogate/training/muon.hpp"

#include <algorithm>
#include <cmath>

#include "surrogate/kernels/torch.hpp"

namespace mano::muon {

using torch::Tensor;

namespace {

constexpr std::int64_t kNarrowest = 8;

bool is_spectral(torch::IntArrayRef shape) { return shape.size() == 5 && shape[4] == 2; }

}  // namespace

std::optional<Tensor> matrices(const Tensor& w) {
  if (w.dim() < 2 || w.size(0) < kNarrowest) return std::nullopt;
  if (is_spectral(w.sizes())) {
    if (w.size(1) < kNarrowest) return std::nullopt;
    return torch::view_as_complex(w.contiguous()).permute({2, 3, 0, 1}).flatten(0, 1);
  }
  const bool depthwise = w.dim() > 2 && w.size(1) == 1;
  if (depthwise || w.numel() / w.size(0) < kNarrowest) return std::nullopt;
  return w.reshape({1, w.size(0), -1});
}

Tensor weight_of(const Tensor& m, torch::IntArrayRef shape) {
  if (!is_spectral(shape)) return m.reshape(shape);
  return torch::view_as_real(
      m.reshape({shape[2], shape[3], shape[0], shape[1]}).permute({2, 3, 0, 1}).contiguous());
}

Tensor orthonormal(const Tensor& m) {
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;  // x -> a x + b x^3 + c x^5 on singular values
  constexpr int kSteps = 5;
  const bool tall = m.size(1) > m.size(2);
  auto x = tall ? m.mH() : m;
  x = x / (torch::linalg_vector_norm(x, 2, torch::IntArrayRef({1, 2}), true) + 1e-20);
  for (int step = 0; step < kSteps; ++step) {
    const auto gram = torch::bmm(x, x.mH());
    x = torch::baddbmm(x, torch::baddbmm(gram, gram, gram, kB, kC), x, kA);
  }
  return tall ? x.mH() : x;
}

double step_size(const Tensor& m) {
  return 0.2 * std::sqrt(static_cast<double>(std::max(m.size(1), m.size(2))));
}

}  // namespace mano::muon
