// On a machine with a GPU: the device's answers against the CPU's. Without CUDA: that one is told so.
#include "surrogate/kernels/cuda_attention.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "core/error.hpp"
#include "surrogate/kernels/attention.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/multipole_model.hpp"

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

// The one kernel that asks for more shared memory than a GPU before H100 has: refused there, with what that GPU has.
bool refused_for_shared_memory(const torch::Tensor& qkv, int window, int stride) {
  constexpr int needed = 167552;
  if (!(window == 4 && qkv.size(5) == 64 && qkv.scalar_type() == torch::kFloat32)) return false;
  try {
    attend(qkv, window, stride);
    return false;
  } catch (const InvalidInput& e) {
    const std::string message = e.what(), before = "this one has ";
    EXPECT_NE(message.find(std::to_string(needed) + " bytes"), std::string::npos) << message;
    const std::size_t at = message.find(before);
    EXPECT_TRUE(at != std::string::npos && std::stoi(message.substr(at + before.size())) < needed) << message;
    return true;
  }
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
        if (refused_for_shared_memory(qkv.to(torch::kCUDA), window, stride)) continue;
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

TEST(CudaAttention, NoImagesAreNoWork) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device, or built without CUDA";
  const AttentionShape none{0, 8, 8, 1, 8, 2, 1};
  cuda_attention(none, DeviceType::float32, nullptr, nullptr);
  cuda_attention_backward(none, DeviceType::float32, nullptr, nullptr, nullptr, nullptr);
  torch::cuda::synchronize();
}

TEST(CudaAttention, MoreTilesThanAGpuCountsAreRefused) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device, or built without CUDA";
  const AttentionShape many{1 << 30, 8, 16, 2, 8, 2, 1};
  EXPECT_THROW(cuda_attention(many, DeviceType::float32, nullptr, nullptr), InvalidInput);
}

TEST(CudaModel, AgreesWithTheCpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device, or built without CUDA";
  for (const auto precision : {Precision::full, Precision::bfloat16}) {
    const auto run = [&](torch::Device device) {
      MultipoleModel model(architecture_preset("small-published"), 0);
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
