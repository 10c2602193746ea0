#pragma once
// A token network in float64 with its parameters by name, to be overwritten, and the ends that all token networks share, written once more.

#include <gtest/gtest.h>

#include <map>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

class NetworkProbe {
 public:
  explicit NetworkProbe(const Architecture& a) : network_(make_network(a, 3)) {
    network_->to(torch::kCPU, torch::kDouble);
    for (const auto& [name, tensor] : network_->named_parameters()) parameters_[name] = tensor.detach();
  }

  /// Of the network itself: writing in place changes it.
  torch::Tensor operator[](const std::string& name) const { return parameters_.at(name); }
  const std::map<std::string, torch::Tensor>& parameters() const { return parameters_; }

  torch::Tensor forward(const torch::Tensor& input) const {
    const torch::NoGradGuard no_grad;
    return network_->forward(input);
  }

  torch::Tensor linear(const std::string& name, const torch::Tensor& x) const {
    return torch::linear(x, (*this)[name + ".weight"].flatten(1), (*this)[name + ".bias"]);
  }
  torch::Tensor norm(const std::string& name, const torch::Tensor& x) const {
    return torch::layer_norm(x, {x.size(-1)}, (*this)[name + ".weight"], (*this)[name + ".bias"]);
  }
  /// [B, 3, H, W] -> [B, H, W, C], and back; for patches of one point.
  torch::Tensor embed(const torch::Tensor& input) const {
    return linear("patch_embed.proj", input.permute({0, 2, 3, 1}));
  }
  torch::Tensor head(const torch::Tensor& tokens) const {
    return linear("head", norm("norm", tokens)).permute({0, 3, 1, 2});
  }

 private:
  std::unique_ptr<Network> network_;
  std::map<std::string, torch::Tensor> parameters_;
};

/// The small preset with one block and patches of one point: what a mixer does to single tokens.
inline Architecture one_block(Architecture::Model model) {
  Architecture a = architecture_preset("small", model);
  a.depth = 1;
  a.patch = 1;
  return a;
}

inline torch::Tensor random_input(int64_t batch, int64_t height, int64_t width) {
  torch::manual_seed(5);
  return torch::randn({batch, 3, height, width}, torch::kDouble);
}

inline double largest(const torch::Tensor& t) {
  return t.abs().max().item<double>();
}

/// Shapes and finite gradients, for the input too, at grids that patches and windows divide and that they do not; both precisions agree.
inline void expect_any_grid(Architecture::Model model) {
  const NetworkProbe probe(architecture_preset("small", model));
  const auto single = make_network(architecture_preset("small", model), 3);
  for (const auto& [height, width] : {std::pair{16, 16}, {33, 20}, {64, 64}}) {
    const auto input = random_input(2, height, width);
    const auto x = input.to(torch::kFloat).requires_grad_(true);
    const auto output = single->forward(x);
    ASSERT_EQ(output.sizes(), (std::vector<int64_t>{2, 1, height, width}));
    output.square().sum().backward();
    EXPECT_GT(x.grad().abs().amax({1}).min().item<double>(), 0.0) << "a cell that nothing depends on";
    for (const auto& [name, parameter] : single->named_parameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>()) << name;
    }
    const auto exact = probe.forward(input);
    EXPECT_LT(largest(output.detach() - exact), 1e-5 * largest(exact)) << height << "x" << width;
    EXPECT_LT(largest(probe.forward(input.slice(0, 0, 1)) - exact.slice(0, 0, 1)), 1e-12);
  }
}

}  // namespace mano
