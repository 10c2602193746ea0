// TransDepth: what its gates are made of, and that its attention is all that reaches farther than its convolutions.
#include "core/error.hpp"
#include "network_probe.hpp"
#include "surrogate/networks/dynamic_filter.hpp"

namespace mano {
namespace {

using torch::Tensor;

TEST(DynamicFilter, IsADepthwiseConvolutionWhereTheKernelIsTheSameEverywhere) {
  const auto x = random_input(2, 9, 11);
  const auto taps = torch::sin(torch::arange(9, torch::kDouble) * 1.7);
  for (const int64_t dilation : {1, 2, 4}) {
    const auto filtered = dynamic_filter(taps.view({1, 9, 1, 1}).expand({2, 9, 9, 11}), x, dilation);
    const auto convolved =
        torch::conv2d(x, taps.view({1, 1, 3, 3}).repeat({3, 1, 1, 1}), {}, 1, dilation, dilation, 3);
    EXPECT_LT(largest(filtered - convolved), tolerance::kExact) << dilation;
  }
}

TEST(DynamicFilter, HasAKernelOfItsOwnForEveryCell) {
  const auto x = random_input(1, 5, 6);
  const auto kernel = random_input(1, 15, 6).view({1, 9, 5, 6});
  const auto filtered = dynamic_filter(kernel, x, 2);
  const auto at = [](const Tensor& t, int64_t c, int64_t i, int64_t j) {
    return t[0][c][i][j].item<double>();
  };
  for (const auto& [i, j] : {std::pair<int64_t, int64_t>{0, 0}, {2, 3}, {4, 5}}) {
    double sum = 0.0;
    for (int64_t n = 0; n < 9; ++n) {
      const int64_t y = i + 2 * (n / 3 - 1), z = j + 2 * (n % 3 - 1);
      if (y >= 0 && y < 5 && z >= 0 && z < 6) sum += at(kernel, n, i, j) * at(x, 1, y, z);
    }
    EXPECT_NEAR(at(filtered, 1, i, j), sum, tolerance::kExact);
  }
}

TEST(StructuredAttention, SumsTheGatesOfAllRanks) {
  const auto x = random_input(1, 4, 5);
  const auto a = torch::sin(torch::arange(6, torch::kDouble)).view({2, 3});
  auto sum = torch::zeros_like(x);
  for (int64_t i = 0; i < 2; ++i) {
    const auto weights = a[i].view({1, 3, 1, 1});
    sum += torch::sigmoid((weights * x).sum(1, true)) * weights * x;
  }
  EXPECT_LT(largest(structured_attention(x, a) - sum), tolerance::kExact);
}

NetworkProbe transdepth() {
  return NetworkProbe(architecture_preset("small", Architecture::Model::transdepth));
}

// Reach in points: stem 1, residual blocks 2 + 4 + 8, gates and convolutions of the decoder (4 + 2) (1 + 2 + 4), and twice at most 7 to the
// next border of a coarsest cell.
TEST(Transdepth, ReachesFartherThanItsConvolutionsByAttentionAlone) {
  const int64_t reach = 1 + 14 + 42 + 14;
  const auto network = transdepth();
  const auto input = random_input(1, 8, 160);
  EXPECT_GT(network.influence(input, 0, 0).min().item<double>(), 0.0);  // the opposite corner among them
  network.silence("attn.proj");
  const auto seen = network.influence(input, 0, 0);
  EXPECT_EQ(seen.slice(1, reach + 1).max().item<double>(), 0.0);
  EXPECT_GT(seen.slice(1, 0, reach / 2).min().item<double>(), 0.0);
}

TEST(Transdepth, MessagesAreTheirBiasWhereTheKernelsAreZero) {
  const auto input = random_input(1, 16, 16);
  const auto output_without = [&](const std::vector<std::string>& parts, double bias) {
    const auto network = transdepth();
    for (const auto& part : parts) network.silence(part);
    for (int l = 0; l < 3; ++l) network["gates." + std::to_string(l) + ".out.bias"].fill_(bias);
    return network.forward(input);
  };
  for (const double bias : {-1.0, 0.5}) {
    const auto constant = output_without({".out.weight"}, bias);
    const auto silent = output_without({".both", ".sender", ".receiver"}, bias);
    EXPECT_LT(largest(silent - constant), tolerance::kExact);
    // The sender's own filter is in every message; without it the others do not matter.
    EXPECT_LT(largest(output_without({".both"}, bias) - constant), tolerance::kExact);
  }
  EXPECT_EQ(largest(output_without({".out.weight"}, -1.0) - output_without({".out.weight"}, 0.0)),
            0.0);  // ReLU
  EXPECT_GT(largest(output_without({".out.weight"}, 0.5) - output_without({".out.weight"}, 0.0)), 1e-6);
  EXPECT_GT(largest(output_without({}, 0.5) - output_without({".out.weight"}, 0.5)), 1e-6);
  EXPECT_GT(largest(output_without({".sender"}, 0.5) - output_without({}, 0.5)), 1e-9);
  EXPECT_GT(largest(output_without({".receiver"}, 0.5) - output_without({}, 0.5)), 1e-9);
}

TEST(Transdepth, TakesAnyGridAndDifferentiates) {
  expect_any_grid(Architecture::Model::transdepth);
}

TEST(Transdepth, SharesTheCoarsestChannelsAmongItsHeads) {
  Architecture a = architecture_preset("small", Architecture::Model::transdepth);
  a.dim = 3;
  a.heads = 8;  // of 3 channels each
  EXPECT_EQ(make_network(a, 0)->forward(torch::ones({1, 3, 9, 9})).size(3), 9);
  a.heads = 5;
  EXPECT_THROW(check_architecture(a), InvalidInput);
}

}  // namespace
}  // namespace mano
