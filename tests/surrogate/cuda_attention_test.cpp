// On a machine with a GPU: the device's answers against the CPU's. Without CUDA: that one is told so.
#include "surrogate/cuda_attention.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/error.hpp"
#include "surrogate/attention.hpp"
#include "surrogate/multipole_model.hpp"

namespace mano {
namespace {

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.to(torch::kCPU, torch::kFloat64), y = b.to(torch::kCPU, torch::kFloat64);
  return ((x - y).abs().max() / y.abs().max()).item<double>();
}

std::pair<torch::Tensor, torch::Tensor> attend(const torch::Tensor& qkv, int window, int stride) {
  const auto in = qkv.detach().clone().requires_grad_(true);
  const auto out = overlapping_attention(in, window, stride);
  out.to(torch::kFloat32).square().sum().backward();
  return {out.detach(), in.grad()};
}

TEST(CudaAttention, AgreesWithTheCpuAndWithItself) {
  if (!torch::cuda::is_available()) {
    EXPECT_THROW(cuda_attention({1, 2, 2, 1, 8, 2, 1}, DeviceType::float32, nullptr, nullptr), Error);
    GTEST_SKIP() << "no CUDA device, or built without CUDA";
  }
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    for (const int d : {8, 16, 32, 64}) {
      for (auto [height, width, window, stride] :
           {std::array{2, 2, 2, 1}, {33, 70, 2, 1}, {16, 16, 2, 2}, {19, 23, 3, 2}, {40, 17, 4, 1}}) {
        if (height < window) continue;
        torch::manual_seed(1);
        const auto qkv = torch::randn({3, height, width, 3, 2, d}).to(type);
        const auto [expected, d_expected] = attend(qkv, window, stride);
        const auto [out, d_qkv] = attend(qkv.to(torch::kCUDA), window, stride);
        const double tolerance = type == torch::kFloat32 ? 1e-5 : 1e-2;
        EXPECT_LT(largest_difference(out, expected), tolerance);
        EXPECT_LT(largest_difference(d_qkv, d_expected), tolerance);
        const auto again = attend(qkv.to(torch::kCUDA), window, stride);
        EXPECT_TRUE(torch::equal(again.first, out) && torch::equal(again.second, d_qkv));
      }
    }
  }
}

TEST(CudaModel, AgreesWithTheCpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device, or built without CUDA";
  for (const auto precision : {Precision::full, Precision::bfloat16}) {
    const auto run = [&](torch::Device device) {
      MultipoleModel model(architecture_preset("small"), 0);
      model.to(device, torch::kFloat32);
      torch::manual_seed(1);
      const auto out = model.forward(torch::randn({2, 3, 33, 20}).to(device), precision);
      out.square().mean().backward();
      std::vector<torch::Tensor> results{out.detach()};
      for (const auto& p : model.parameters()) results.push_back(p.grad());
      return results;
    };
    const auto expected = run(torch::kCPU), actual = run(torch::kCUDA);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LT(largest_difference(actual[i], expected[i]), precision == Precision::full ? 1e-3 : 0.1);
  }
}

}  // namespace
}  // namespace mano
