// LIT: early stages mix no tokens, merging is torchvision's deformable convolution, late stages attend to all of the grid.
#include <gtest/gtest.h>

#include "datagen/hdf5_handle.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/deformable_convolution.hpp"
#include "surrogate/networks/probe.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

using torch::Tensor;

Tensor read_double(hid_t file, const std::string& name) {
  const H5Handle dataset = h5_own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), name);
  std::vector<int64_t> shape;
  for (hsize_t n : h5_shape(dataset)) shape.push_back(static_cast<int64_t>(n));
  auto tensor = torch::empty(shape, torch::kDouble);
  h5_check(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.data_ptr<double>()),
           name);
  return tensor;
}

double largest(const Tensor& t) {
  return t.abs().max().item<double>();
}

TEST(DeformableConvolution, IsTorchvisionsWithItsGradients) {
  const H5Handle file = h5_open(MANO_TEST_DATA "/fixtures/rivals/lit_torchvision.h5");
  for (const auto& [name, stride] : {std::pair<std::string, int64_t>{"merge", 2}, {"slide", 1}}) {
    std::vector<Tensor> parts;
    for (const std::string part : {"x", "offset", "weight", "bias"})
      parts.push_back(read_double(file, name + "/" + part).requires_grad_(true));
    const auto output = deformable_convolution(parts[0], parts[1], parts[2], parts[3], stride);
    const auto expected = read_double(file, name + "/output");
    EXPECT_LT(largest(output - expected) / largest(expected), tolerance::kParity) << name;
    (output.square() / 2).sum().backward();
    for (std::size_t n = 0; n < parts.size(); ++n) {
      const std::string part = std::vector<std::string>{"x", "offset", "weight", "bias"}[n];
      const auto gradient = read_double(file, name + "/" + part + "_gradient");
      EXPECT_LT(largest(parts[n].grad() - gradient) / largest(gradient), tolerance::kParity)
          << name << " " << part;
    }
  }
}

TEST(DeformableConvolution, IsAConvolutionOfTheMovedInput) {
  const auto x = smooth_fields(6, 8, 2);
  const auto weight = smooth_fields(2, 2, 5), bias = torch::arange(5, torch::kDouble);
  const auto convolved = [&](const Tensor& moved) { return torch::conv2d(moved, weight, bias, 2); };
  const auto offset = [](double dy, double dx) {
    return torch::tensor({dy, dx}, torch::kDouble).repeat({4}).view({1, 8, 1, 1}).expand({2, 8, 3, 4});
  };
  const auto deformed = [&](double dy, double dx) {
    return deformable_convolution(x, offset(dy, dx), weight, bias, 2);
  };
  const auto left = torch::constant_pad_nd(x.slice(3, 1), {0, 1});
  const auto up = torch::constant_pad_nd(x.slice(2, 1), {0, 0, 0, 1});
  EXPECT_LT(largest(deformed(0, 0) - convolved(x)), tolerance::kExact);
  EXPECT_LT(largest(deformed(0, 1) - convolved(left)), tolerance::kExact);
  EXPECT_LT(largest(deformed(1, 0) - convolved(up)), tolerance::kExact);
  EXPECT_LT(largest(deformed(0, 0.25) - convolved(0.75 * x + 0.25 * left)), tolerance::kExact);
  EXPECT_LT(largest(deformed(100, -1e9) - bias.view({1, 5, 1, 1})), tolerance::kExact);
}

std::unique_ptr<Network> lit(int patch, int seed = 3) {
  Architecture a = architecture_preset("small", Architecture::Model::lit);
  a.patch = patch;
  auto network = make_network(a, seed);
  network->to(torch::kCPU, torch::kDouble);
  return network;
}

// A decoder that passes on what the encoder has on one level, each cell by itself.
void show_level(const Network& network, int level) {
  const torch::NoGradGuard no_grad;
  for (int l = level; l >= 0; --l) {
    const std::string name = "up." + std::to_string(l);
    for (const char* convolution : {".conv1.weight", ".conv2.weight"}) {
      auto weight = parameter_of(network, name + convolution);
      const auto centre = weight.select(3, 1).select(2, 1).clone();
      weight.zero_();
      weight.select(3, 1).select(2, 1).copy_(centre);
    }
    auto first = parameter_of(network, name + ".conv1.weight");
    const int64_t c = first.size(0);
    first.slice(1, l == level ? c : 0, l == level ? 2 * c : c).zero_();
  }
}

// Of influence(): rows and columns [top, bottom) x [left, right) all count, nothing else does.
void expect_only(const Tensor& influence, int64_t top, int64_t bottom, int64_t left, int64_t right) {
  auto rest = influence.clone();
  const auto block = rest.slice(0, top, bottom).slice(1, left, right);
  EXPECT_GT(block.min().item<double>(), 0.0);
  block.zero_();
  EXPECT_EQ(rest.max().item<double>(), 0.0) << rest.nonzero();
}

TEST(Lit, MixesNoTokensInItsFirstStage) {
  const auto network = lit(2);
  show_level(*network, 0);
  const auto input = smooth_fields(16, 32);
  expect_only(influence(*network, input, 0, 0), 0, 2, 0, 2);
  expect_only(influence(*network, input, 7, 20), 6, 8, 20, 22);
}

TEST(Lit, MergesFourTokensAndFollowsItsOffsets) {
  const auto network = lit(2);
  show_level(*network, 1);
  const auto input = smooth_fields(16, 32);
  expect_only(influence(*network, input, 6, 21), 4, 8, 20, 24);
  {
    const torch::NoGradGuard no_grad;
    parameter_of(*network, "stages.1.merge.offset.bias").view({4, 2}).select(1, 1) += 10.0;  // a token in x
  }
  expect_only(influence(*network, input, 6, 21), 4, 8, 22, 26);
}

TEST(Lit, AttendsToAllOfTheGridInItsLateStages) {
  const auto network = lit(1);
  show_level(*network, 2);
  expect_only(influence(*network, smooth_fields(33, 20), 0, 0), 0, 33, 0, 20);
  silence(*network, "attn.proj");
  expect_only(influence(*network, smooth_fields(33, 20), 0, 0), 0, 4, 0, 4);
}

// LIT whose attention is one block of the third stage, with the bias weight (GELU(slope t + shift) + GELU(sign slope t + shift)), t the way
// from query to key along an axis.
std::unique_ptr<Network> biased(int axis, double sign, double shift, double weight) {
  auto network = lit(1);
  show_level(*network, 2);
  silence(*network, "stages.2.blocks.1.attn.proj");
  silence(*network, "stages.2.blocks.2.attn.proj");
  silence(*network, "position_bias");
  const torch::NoGradGuard no_grad;
  const std::string name = "stages.2.blocks.0.attn.position_bias.";
  parameter_of(*network, name + "fc1.weight")[0][axis] = 1e3;
  parameter_of(*network, name + "fc1.weight")[1][axis] = sign * 1e3;
  parameter_of(*network, name + "fc1.bias").slice(0, 0, 2).fill_(shift);
  parameter_of(*network, name + "fc2.weight").slice(1, 0, 2).fill_(weight);
  return network;
}

// Where the bias changes by more than 1000 from token to token it decides alone where the attention goes.
TEST(Lit, BiasesAttentionByTheWayFromQueryToKey) {
  const auto input = smooth_fields(18, 22);  // 5 x 6 tokens of 4x4 points
  for (const int axis : {0, 1}) {
    // Growing along the axis: to the last row or column of the grid, and by the residual connection to the query itself.
    auto seen = influence(*biased(axis, 1.0, 1e3, 4.0), input, 9, 10);
    const auto last = seen.slice(axis, axis == 0 ? 16 : 20);
    EXPECT_GT(last.min().item<double>(), 0.0) << axis;
    last.zero_();
    expect_only(seen, 8, 12, 8, 12);
    // Falling with the distance: to the query's own row or column.
    seen = influence(*biased(axis, -1.0, 0.0, -8.0), input, 9, 14);
    expect_only(seen, axis == 0 ? 8 : 0, axis == 0 ? 12 : 18, axis == 0 ? 0 : 12, axis == 0 ? 22 : 16);
  }
}

// 33x20 and 36x20 have the same tokens of 4x4 points once continued; 40x20 has a row more, which must not count for 33x20.
TEST(Lit, DoesNotAttendBeyondTheGrid) {
  const torch::NoGradGuard no_grad;
  const auto network = lit(1);
  silence(*network, "position_bias");
  const auto input = smooth_fields(33, 20);
  const auto output = network->forward(input);
  const auto continued = [&](int64_t rows) {
    return network->forward(torch::replication_pad2d(input, {0, 0, 0, rows})).slice(2, 0, 33);
  };
  EXPECT_LT(largest(output - continued(3)), tolerance::kExact);
  EXPECT_GT(largest(output - continued(7)), 1e-6);
}

TEST(Lit, TakesAnyGridAndDifferentiates) {
  for (const auto& [height, width] : {std::pair{16, 16}, {33, 20}, {64, 64}}) {
    const auto network = lit(1);
    const auto input = smooth_fields(height, width, 2);
    const auto output = network->forward(input);
    EXPECT_EQ(output.sizes(), (std::vector<int64_t>{2, 1, height, width}));
    const auto alone = network->forward(input.slice(0, 1));
    EXPECT_LT(largest(alone - output.slice(0, 1)) / largest(output), tolerance::kExact);
    output.square().sum().backward();
    for (const auto& [name, parameter] : network->named_parameters()) {
      EXPECT_TRUE(parameter.grad().isfinite().all().item<bool>()) << name;
      EXPECT_GT(largest(parameter.grad()), 0.0) << name << " " << height;
    }
    network->to(torch::kCPU, torch::kFloat);
    const auto single = network->forward(input.to(torch::kFloat));
    EXPECT_LT(largest(single - output) / largest(output), 5 * tolerance::kSinglePrecision);
    EXPECT_TRUE(torch::equal(single, network->forward(input.to(torch::kFloat))));
  }
}

}  // namespace
}  // namespace mano
