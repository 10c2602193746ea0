#pragma once
// What the tests of the networks on tokens share.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

inline std::map<std::string, torch::Tensor> weights_of(const Network& network) {
  const auto parameters = network.named_parameters();
  return {parameters.begin(), parameters.end()};
}

/// In float64, with the biases and norms drawn too, so that none is invisible.
inline std::unique_ptr<Network> double_network(const Architecture& a, std::uint64_t seed) {
  auto network = make_network(a, seed);
  network->to(torch::kCPU, torch::kDouble);
  torch::manual_seed(seed);
  const torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : network->named_parameters())
    if (parameter.dim() == 1) parameter.add_(torch::randn_like(parameter), 0.2);
  return network;
}

inline torch::Tensor smooth_input(int64_t batch, int64_t height, int64_t width) {
  const auto n = torch::arange(batch, torch::kDouble).view({batch, 1, 1});
  const auto y = torch::arange(height, torch::kDouble).view({1, height, 1}) * 0.21;
  const auto x = torch::arange(width, torch::kDouble).view({1, 1, width}) * 0.37;
  return torch::stack({torch::sin(x + y + n), torch::cos(x - y + 2 * n), torch::sin(1.3 * x * y + n)}, 1);
}

inline void expect_shapes_and_gradients(const Architecture& a) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{16, 16}, {33, 20}, {64, 64}}) {
    for (const auto dtype : {torch::kFloat, torch::kDouble}) {
      const auto network = make_network(a, 2);
      network->to(torch::kCPU, dtype);
      const auto input = smooth_input(2, height, width).to(dtype);
      const auto output = network->forward(input);
      ASSERT_EQ(output.sizes(), (std::vector<int64_t>{2, a.channels_out, height, width}));
      EXPECT_EQ(output.dtype(), dtype);
      output.square().sum().backward();
      for (const auto& [name, parameter] : network->named_parameters()) {
        ASSERT_TRUE(parameter.grad().defined()) << name;
        EXPECT_TRUE(torch::isfinite(parameter.grad()).all().item<bool>()) << name;
        EXPECT_GT(parameter.grad().abs().max().item<double>(), 0.0) << name << " " << height;
      }
      EXPECT_TRUE(torch::equal(network->forward(input), output)) << "not deterministic";
      const auto alone = network->forward(input.slice(0, 1, 2));
      EXPECT_LT((alone - output.slice(0, 1, 2)).abs().max().item<double>(),
                dtype == torch::kFloat ? 1e-5 : 1e-12);
    }
  }
}

/// Where [H, W] the output changes with the input.
inline torch::Tensor changed_places(const Network& network, const torch::Tensor& one,
                                    const torch::Tensor& other) {
  const torch::NoGradGuard no_grad;
  return (network.forward(one) != network.forward(other)).any(1).any(0);
}

}  // namespace mano
