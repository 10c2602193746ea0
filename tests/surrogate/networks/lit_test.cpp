// LIT: early stages mix no tokens, merging is torchvision's deformable convolution, late stages attend to all of the grid.
#include "network_probe.hpp"
#include "surrogate/networks/deformable_convolution.hpp"

namespace mano {
namespace {

using torch::Tensor;

TEST(DeformableConvolution, IsTorchvisionsWithItsGradients) {
  const H5Handle file = h5_open(MANO_TEST_DATA "/fixtures/rivals/lit_torchvision.h5");
  for (const auto& [name, stride] : {std::pair<std::string, int64_t>{"merge", 2}, {"slide", 1}}) {
    std::vector<Tensor> parts;
    for (const std::string part : {"x", "offset", "weight", "bias"})
      parts.push_back(read_tensor(file, name + "/" + part).requires_grad_(true));
    const auto output = deformable_convolution(parts[0], parts[1], parts[2], parts[3], stride);
    const auto expected = read_tensor(file, name + "/output");
    EXPECT_LT(largest(output - expected) / largest(expected), tolerance::kParity) << name;
    (output.square() / 2).sum().backward();
    for (std::size_t n = 0; n < parts.size(); ++n) {
      const std::string part = std::vector<std::string>{"x", "offset", "weight", "bias"}[n];
      const auto gradient = read_tensor(file, name + "/" + part + "_gradient");
      EXPECT_LT(largest(parts[n].grad() - gradient) / largest(gradient), tolerance::kParity)
          << name << " " << part;
    }
  }
}

TEST(DeformableConvolution, IsAConvolutionOfTheMovedInput) {
  const auto x = random_input(2, 6, 8);
  const auto weight = random_input(5, 2, 2), bias = torch::arange(5, torch::kDouble);
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

NetworkProbe lit(int patch) {
  Architecture a = architecture_preset("small", Architecture::Model::lit);
  a.patch = patch;
  return NetworkProbe(a);
}

// A decoder that passes on what the encoder has on one level, each cell by itself.
void show_level(const NetworkProbe& network, int level) {
  for (int l = level; l >= 0; --l) {
    const std::string name = "up." + std::to_string(l);
    for (const char* convolution : {".conv1.weight", ".conv2.weight"}) {
      auto weight = network[name + convolution];
      const auto centre = weight.select(3, 1).select(2, 1).clone();
      weight.zero_();
      weight.select(3, 1).select(2, 1).copy_(centre);
    }
    auto first = network[name + ".conv1.weight"];
    const int64_t c = first.size(0);
    first.slice(1, l == level ? c : 0, l == level ? 2 * c : c).zero_();
  }
}

// Of NetworkProbe::influence(): rows and columns [top, bottom) x [left, right) all count, nothing else does.
void expect_only(const Tensor& influence, int64_t top, int64_t bottom, int64_t left, int64_t right) {
  auto rest = influence.clone();
  const auto block = rest.slice(0, top, bottom).slice(1, left, right);
  EXPECT_GT(block.min().item<double>(), 0.0);
  block.zero_();
  EXPECT_EQ(rest.max().item<double>(), 0.0) << rest.nonzero();
}

TEST(Lit, MixesNoTokensInItsFirstStage) {
  const auto network = lit(2);
  show_level(network, 0);
  const auto input = random_input(1, 16, 32);
  expect_only(network.influence(input, 0, 0), 0, 2, 0, 2);
  expect_only(network.influence(input, 7, 20), 6, 8, 20, 22);
}

TEST(Lit, MergesFourTokensAndFollowsItsOffsets) {
  const auto network = lit(2);
  show_level(network, 1);
  const auto input = random_input(1, 16, 32);
  expect_only(network.influence(input, 6, 21), 4, 8, 20, 24);
  network["stages.1.merge.offset.bias"].view({4, 2}).select(1, 1) += 10.0;  // a token in x
  expect_only(network.influence(input, 6, 21), 4, 8, 22, 26);
}

TEST(Lit, AttendsToAllOfTheGridInItsLateStages) {
  const auto network = lit(1);
  show_level(network, 2);
  expect_only(network.influence(random_input(1, 33, 20), 0, 0), 0, 33, 0, 20);
  network.silence("attn.proj");
  expect_only(network.influence(random_input(1, 33, 20), 0, 0), 0, 4, 0, 4);
}

// LIT whose attention is one block of the third stage, with the bias weight (GELU(slope t + shift) + GELU(sign slope t + shift)), t the way
// from query to key along an axis.
NetworkProbe biased(int axis, double sign, double shift, double weight) {
  auto network = lit(1);
  show_level(network, 2);
  network.silence("stages.2.blocks.1.attn.proj");
  network.silence("stages.2.blocks.2.attn.proj");
  network.silence("position_bias");
  const std::string name = "stages.2.blocks.0.attn.position_bias.";
  network[name + "fc1.weight"][0][axis] = 1e3;
  network[name + "fc1.weight"][1][axis] = sign * 1e3;
  network[name + "fc1.bias"].slice(0, 0, 2).fill_(shift);
  network[name + "fc2.weight"].slice(1, 0, 2).fill_(weight);
  return network;
}

// Where the bias changes by more than 1000 from token to token it decides alone where the attention goes.
TEST(Lit, BiasesAttentionByTheWayFromQueryToKey) {
  const auto input = random_input(1, 18, 22);  // 5 x 6 tokens of 4x4 points
  for (const int axis : {0, 1}) {
    // Growing along the axis: to the last row or column of the grid, and by the residual connection to the query itself.
    auto seen = biased(axis, 1.0, 1e3, 4.0).influence(input, 9, 10);
    const auto last = seen.slice(axis, axis == 0 ? 16 : 20);
    EXPECT_GT(last.min().item<double>(), 0.0) << axis;
    last.zero_();
    expect_only(seen, 8, 12, 8, 12);
    // Falling with the distance: to the query's own row or column.
    seen = biased(axis, -1.0, 0.0, -8.0).influence(input, 9, 14);
    expect_only(seen, axis == 0 ? 8 : 0, axis == 0 ? 12 : 18, axis == 0 ? 0 : 12, axis == 0 ? 22 : 16);
  }
}

// 33x20 and 36x20 have the same tokens of 4x4 points once continued; 40x20 has a row more, which must not count for 33x20.
TEST(Lit, DoesNotAttendBeyondTheGrid) {
  const auto network = lit(1);
  network.silence("position_bias");
  const auto input = random_input(1, 33, 20);
  const auto output = network.forward(input);
  const auto continued = [&](int64_t rows) {
    return network.forward(torch::replication_pad2d(input, {0, 0, 0, rows})).slice(2, 0, 33);
  };
  EXPECT_LT(largest(output - continued(3)), tolerance::kExact);
  EXPECT_GT(largest(output - continued(7)), 1e-6);
}

TEST(Lit, TakesAnyGridAndDifferentiates) {
  expect_any_grid(Architecture::Model::lit);
}

}  // namespace
}  // namespace mano
