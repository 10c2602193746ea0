#pragma once
// What tests of a network look at: its parameters by name, to be read and overwritten; where its output depends on its input; and what
// every network has to do on any grid.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datagen/hdf5_handle.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/network.hpp"
#include "tolerances.hpp"

namespace mano {

/// A network in float64, and the ends that all networks on tokens share, written once more.
class NetworkProbe {
 public:
  explicit NetworkProbe(const Architecture& a, std::uint64_t seed = 3) : network_(make_network(a, seed)) {
    network_->to(torch::kCPU, torch::kDouble);
    for (const auto& [name, tensor] : network_->named_parameters()) parameters_[name] = tensor.detach();
  }

  const Network& network() const { return *network_; }

  /// Of the network itself: writing in place changes it.
  torch::Tensor operator[](const std::string& name) const { return parameters_.at(name); }
  const std::map<std::string, torch::Tensor>& parameters() const { return parameters_; }

  /// Sets to zero all parameters whose names contain `part`, at least one.
  void silence(const std::string& part) const {
    bool found = false;
    for (auto [name, tensor] : parameters_) {
      if (name.find(part) == std::string::npos) continue;
      tensor.zero_();
      found = true;
    }
    EXPECT_TRUE(found) << part;
  }

  torch::Tensor forward(const torch::Tensor& input) const {
    const torch::NoGradGuard no_grad;
    return network_->forward(input);
  }

  /// |d output(y, x) / d input|, the largest over the channels: [H, W].
  torch::Tensor influence(const torch::Tensor& input, int64_t y, int64_t x) const {
    const auto point = input.detach().clone().requires_grad_(true);
    network_->forward(point).select(3, x).select(2, y).sum().backward();
    return point.grad().abs().amax({0, 1});
  }

  /// Where [H, W] the output is not the same for both.
  torch::Tensor changed_places(const torch::Tensor& one, const torch::Tensor& other) const {
    return (forward(one) != forward(other)).any(1).any(0);
  }

  /// With or without a bias, as the network has it.
  torch::Tensor linear(const std::string& name, const torch::Tensor& x) const {
    const auto bias = parameters_.find(name + ".bias");
    return torch::linear(x, (*this)[name + ".weight"].flatten(1),
                         bias == parameters_.end() ? torch::Tensor() : bias->second);
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

/// With biases and norms drawn too, so that none is invisible.
inline NetworkProbe drawn_probe(const Architecture& a, std::uint64_t seed) {
  NetworkProbe probe(a, seed);
  torch::manual_seed(seed);
  for (auto [name, parameter] : probe.parameters())
    if (parameter.dim() == 1) parameter.add_(torch::randn_like(parameter), 0.2);
  return probe;
}

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

inline torch::Tensor read_tensor(hid_t file, const std::string& name) {
  const H5Handle dataset = h5_own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), name);
  std::vector<int64_t> shape;
  for (hsize_t n : h5_shape(dataset)) shape.push_back(static_cast<int64_t>(n));
  auto tensor = torch::empty(shape, torch::kDouble);
  h5_check(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.data_ptr<double>()),
           name);
  return tensor;
}

/// The small preset at grids that patches, windows and levels divide and that they do not: shapes, gradients of every parameter and of
/// every cell of the input, the same answer twice, samples of a batch that do not see each other, and both precisions, which agree
/// unless the network selects tokens.
inline void expect_any_grid(Architecture::Model model, bool selects = false) {
  const Architecture a = architecture_preset("small", model);
  const NetworkProbe probe(a);
  for (const auto& [height, width] : {std::pair{16, 16}, {33, 20}, {64, 64}}) {
    SCOPED_TRACE(std::to_string(height) + "x" + std::to_string(width));
    const auto input = random_input(2, height, width);
    const auto single = make_network(a, 3);
    const auto x = input.to(torch::kFloat).requires_grad_(true);
    const auto output = single->forward(x);
    ASSERT_EQ(output.sizes(), (std::vector<int64_t>{2, a.channels_out, height, width}));
    EXPECT_EQ(output.dtype(), torch::kFloat);
    EXPECT_TRUE(torch::equal(single->forward(x), output)) << "not deterministic";
    output.square().sum().backward();
    EXPECT_GT(x.grad().abs().amax({1}).min().item<double>(), 0.0) << "a cell that nothing depends on";
    EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
    for (const auto& [name, parameter] : single->named_parameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>()) << name;
      EXPECT_GT(largest(parameter.grad()), 0.0) << name;
    }
    const auto exact = probe.forward(input);
    EXPECT_EQ(exact.dtype(), torch::kDouble);
    if (!selects) {
      EXPECT_LT(largest(output.detach() - exact), 5 * tolerance::kSinglePrecision * largest(exact));
    }
    const auto alone = probe.forward(input.slice(0, 1));
    EXPECT_LT(largest(alone - exact.slice(0, 1)), tolerance::kExact * largest(exact));
  }
}

}  // namespace mano
