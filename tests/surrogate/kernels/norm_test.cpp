// Layer norms by the GPU's kernels against LibTorch's in float64; on the CPU they are LibTorch's.
#include "surrogate/kernels/norm.hpp"

#include <gtest/gtest.h>

#include "surrogate/kernels/torch.hpp"

namespace mano {
namespace {

using torch::Tensor;

// The result, and the gradients of x and of all weights, of sum(result * d).
std::vector<Tensor> norms(std::vector<Tensor> in, const Tensor& d, bool two) {
  for (Tensor& t : in) t = t.detach().clone().requires_grad_(true);
  const LayerNormWeights first{in[1], in[2]}, second{in[3], in[4]};
  const auto y = layer_norms(in[0], first, two ? &second : nullptr);
  (y * d).sum().backward();
  std::vector<Tensor> results{y.detach()};
  for (std::size_t i = 0; i < (two ? 5 : 3); ++i) results.push_back(in[i].grad());
  return results;
}

std::vector<Tensor> drawn(int64_t rows, int64_t c) {
  torch::manual_seed(1);
  const auto f64 = torch::TensorOptions(torch::kFloat64);
  return {2.0 + 3.0 * torch::randn({rows, c}, f64), 1.0 + 0.3 * torch::randn({c}, f64),
          torch::randn({c}, f64), 1.0 + 0.3 * torch::randn({c}, f64), torch::randn({c}, f64)};
}

double difference(const Tensor& a, const Tensor& b) {
  const auto x = a.to(torch::kCPU, torch::kFloat64), y = b.to(torch::kCPU, torch::kFloat64);
  return ((x - y).norm() / y.norm()).item<double>();
}

TEST(Norm, OfANormIsTwoInARow) {
  const auto in = drawn(5, 12);
  const auto d = torch::randn({5, 12}, torch::kFloat64);
  const auto expected = torch::layer_norm(torch::layer_norm(in[0], {12}, in[1], in[2]), {12}, in[3], in[4]);
  EXPECT_LT(difference(norms(in, d, true)[0], expected), 1e-14);
  EXPECT_LT(difference(norms(in, d, false)[0], torch::layer_norm(in[0], {12}, in[1], in[2])), 1e-14);
}

TEST(Norm, OnAGpuIsLibTorchsInDoublePrecision) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device, or built without CUDA";
  for (const int64_t c : {16, 32, 48, 64, 96, 128, 256, 20}) {
    for (const int64_t rows : {1, 7, 1000, 70'001}) {
      for (const bool two : {false, true}) {
        const auto in = drawn(rows, c);
        const auto d = torch::randn({rows, c}, torch::kFloat64);
        const auto expected = norms(in, d, two);
        std::vector<Tensor> on_gpu;
        for (const Tensor& t : in) on_gpu.push_back(t.to(torch::kCUDA, torch::kFloat32));
        const auto actual = norms(on_gpu, d.to(torch::kCUDA, torch::kFloat32), two);
        for (std::size_t i = 0; i < expected.size(); ++i)
          EXPECT_LT(difference(actual[i], expected[i]), 1e-5) << c << " " << rows << " " << two << " " << i;
        const auto again = norms(on_gpu, d.to(torch::kCUDA, torch::kFloat32), two);
        for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(torch::equal(again[i], actual[i]));
        if (c == 20) continue;  // LibTorch's, which takes no two types outside of autocast
        on_gpu[0] = on_gpu[0].to(torch::kBFloat16);
        const auto half = norms(on_gpu, d.to(torch::kCUDA, torch::kFloat32), two);
        for (std::size_t i = 0; i < expected.size(); ++i)
          EXPECT_LT(difference(half[i], expected[i]), 2e-2) << c << " " << rows << " " << two << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace mano
