#pragma once
// What tests of a network look at from outside: its parameters by name, and which points of the input reach a point of the output.

#include <stdexcept>
#include <string>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

inline torch::Tensor parameter_of(const Network& network, const std::string& name) {
  for (const auto& [its, tensor] : network.named_parameters())
    if (its == name) return tensor;
  throw std::out_of_range(name);
}

/// Sets to zero all parameters whose names contain `part`.
inline void silence(const Network& network, const std::string& part) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : network.named_parameters())
    if (name.find(part) != std::string::npos) tensor.zero_();
}

/// |d output(y, x) / d input|, the largest over the channels: [H, W].
inline torch::Tensor influence(const Network& network, const torch::Tensor& input, int64_t y, int64_t x) {
  const auto point = input.detach().clone().requires_grad_(true);
  network.forward(point).select(3, x).select(2, y).sum().backward();
  return point.grad().abs().amax({0, 1});
}

/// Fields without symmetry, float64 [batch, 3, height, width].
inline torch::Tensor smooth_fields(int64_t height, int64_t width, int64_t batch = 1) {
  const auto b = torch::arange(batch, torch::kDouble).view({batch, 1, 1, 1});
  const auto c = torch::arange(3, torch::kDouble).view({3, 1, 1});
  const auto y = torch::arange(height, torch::kDouble).view({height, 1});
  const auto x = torch::arange(width, torch::kDouble);
  return torch::sin(0.31 * y + 0.57 * x + c * c + b) + 0.3 * torch::cos(0.9 * y * (c + 1) - 0.2 * x);
}

}  // namespace mano
