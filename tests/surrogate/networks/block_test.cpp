// A block as one node against the windowed form, and against finite differences where that form cannot go.
#include "surrogate/networks/block.hpp"

#include <gtest/gtest.h>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/multipole_model.hpp"
#include "surrogate/networks/windowed_model.hpp"

namespace mano {
namespace {

Architecture architecture(int window, int stride, int rate, Architecture::Sampling sampling) {
  Architecture a;
  a.dim = 12;
  a.depth = 2;
  a.heads = 2;
  a.dim_head = 8;
  a.mlp = 20;
  a.window = window;
  a.stride = stride;
  a.rate = rate;
  a.sampling = sampling;
  return a;
}

MultipoleModel model_of(const Architecture& a, torch::Dtype type) {
  MultipoleModel model(a, 3);
  model.to(torch::kCPU, type);
  const torch::NoGradGuard no_grad;
  torch::manual_seed(5);
  for (const auto& p : model.parameters())
    p.add_(0.1 * torch::randn_like(p));  // norms are ones and zeros at first
  return model;
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).abs().max() / (b.abs().max() + 1e-300)).item<double>();
}

struct Case {
  Architecture architecture;
  int height, width;
};

class Block : public ::testing::TestWithParam<Case> {};

TEST_P(Block, AgreesWithTheWindowedForm) {
  const auto& [a, height, width] = GetParam();
  const MultipoleModel model = model_of(a, torch::kFloat64);
  const auto input = torch::randn({3, 3, height, width}, torch::kFloat64);
  const auto weights = torch::randn({3, 1, height, width}, torch::kFloat64);
  const auto run = [&](auto forward) {
    const auto x = input.clone().requires_grad_(true);
    for (const auto& p : model.parameters()) p.mutable_grad() = torch::Tensor();
    const auto out = forward(x);
    (out * weights).sum().backward();
    std::vector<torch::Tensor> results{out.detach(), x.grad()};
    for (const auto& p : model.parameters()) results.push_back(p.grad());
    return results;
  };
  const auto ours = run([&](const torch::Tensor& x) { return model.forward(x); });
  const auto theirs = run([&](const torch::Tensor& x) { return windowed_forward(model, x); });
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (theirs[i].defined()) {  // not that of a weight which one level has no use for
      EXPECT_LT(largest_difference(ours[i], theirs[i]), 1e-10)
          << (i < 2 ? "" : model.named_parameters()[i - 2].first);
    }
}

TEST_P(Block, InBfloat16IsCloseInAnswerAndGradients) {
  const auto& [a, height, width] = GetParam();
  const MultipoleModel model = model_of(a, torch::kFloat32);
  const auto input = torch::randn({2, 3, height, width});
  const auto run = [&](Precision precision) {
    for (const auto& p : model.parameters()) p.mutable_grad() = torch::Tensor();
    const auto out = model.forward(input, precision);
    out.square().mean().backward();
    std::vector<torch::Tensor> results{out.detach()};
    for (const auto& p : model.parameters()) results.push_back(p.grad());
    return results;
  };
  const auto full = run(Precision::full);
  const auto half = run(Precision::bfloat16);
  for (std::size_t i = 0; i < full.size(); ++i) {
    if (!full[i].defined()) continue;  // that of a weight which one level has no use for
    EXPECT_EQ(half[i].scalar_type(), torch::kFloat32);
    const double error = ((half[i] - full[i]).norm() / full[i].norm()).item<double>();
    EXPECT_LT(error, 0.05) << (i < 1 ? "" : model.named_parameters()[i - 1].first);
    EXPECT_GT(error, 1e-6) << "operands are bfloat16";
  }
}

using Sampling = Architecture::Sampling;
INSTANTIATE_TEST_SUITE_P(Cases, Block,
                         ::testing::Values(Case{architecture(2, 1, 2, Sampling::conv), 16, 16},
                                           Case{architecture(2, 1, 2, Sampling::avg_pool), 8, 24},
                                           Case{architecture(2, 2, 2, Sampling::conv), 8, 8},
                                           Case{architecture(3, 1, 2, Sampling::conv), 16, 8},
                                           Case{architecture(3, 2, 3, Sampling::conv), 9, 9},
                                           Case{architecture(4, 2, 2, Sampling::avg_pool), 32, 16},
                                           Case{architecture(2, 1, 2, Sampling::conv), 2, 2}));

// With local convolutions, against the plain form in Torch's operators.
class ConvolvedBlock : public ::testing::TestWithParam<Case> {};

TEST_P(ConvolvedBlock, AgreesWithTorchOperators) {
  auto [a, height, width] = GetParam();
  a.convolutions = 1;
  MultipoleModel model = model_of(a, torch::kFloat64);
  const auto input = torch::randn({3, 3, height, width}, torch::kFloat64);
  const auto weights = torch::randn({3, 1, height, width}, torch::kFloat64);
  const auto run = [&](bool operators) {
    model.operators_on_cpu = operators;
    const auto x = input.clone().requires_grad_(true);
    for (const auto& p : model.parameters()) p.mutable_grad() = torch::Tensor();
    const auto out = model.forward(x);
    (out * weights).sum().backward();
    std::vector<torch::Tensor> results{out.detach(), x.grad()};
    for (const auto& p : model.parameters()) results.push_back(p.grad());
    return results;
  };
  const auto ours = run(false);
  const auto theirs = run(true);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (!theirs[i].defined()) continue;  // that of a weight which one level has no use for
    EXPECT_LT(largest_difference(ours[i], theirs[i]), 1e-10)
        << (i < 2 ? "" : model.named_parameters()[i - 2].first);
  }
}

TEST_P(ConvolvedBlock, InBfloat16IsCloseInAnswerAndGradients) {
  auto [a, height, width] = GetParam();
  a.convolutions = 1;
  const MultipoleModel model = model_of(a, torch::kFloat32);
  const auto input = torch::randn({2, 3, height, width});
  const auto run = [&](Precision precision) {
    for (const auto& p : model.parameters()) p.mutable_grad() = torch::Tensor();
    model.forward(input, precision).square().mean().backward();
    std::vector<torch::Tensor> results;
    for (const auto& p : model.parameters()) results.push_back(p.grad());
    return results;
  };
  const auto full = run(Precision::full);
  const auto half = run(Precision::bfloat16);
  for (std::size_t i = 0; i < full.size(); ++i) {
    if (!full[i].defined()) continue;
    const double error = ((half[i] - full[i]).norm() / full[i].norm()).item<double>();
    EXPECT_LT(error, 0.05) << model.named_parameters()[i].first;
    EXPECT_GT(error, 1e-6) << "operands are bfloat16";
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvolvedBlock,
                         ::testing::Values(Case{architecture(2, 1, 2, Sampling::conv), 16, 16},
                                           Case{architecture(2, 1, 2, Sampling::conv), 33, 20},
                                           Case{architecture(2, 2, 2, Sampling::avg_pool), 11, 7},
                                           Case{architecture(3, 1, 2, Sampling::conv), 40, 70},
                                           Case{architecture(2, 1, 2, Sampling::conv), 2, 2}));

// Sizes that the rate does not divide.
TEST(BlockGradient, AgreesWithDifferencesOnAwkwardSizes) {
  for (const auto sampling : {Sampling::conv, Sampling::avg_pool}) {
    Architecture a = architecture(2, 2, 2, sampling);
    a.convolutions = sampling == Sampling::conv ? 1 : 0;
    const MultipoleModel model = model_of(a, torch::kFloat64);
    const auto input = torch::randn({2, 3, 11, 7}, torch::kFloat64);
    const auto weights = torch::randn({2, 1, 11, 7}, torch::kFloat64);
    const auto loss = [&] { return (model.forward(input) * weights).sum(); };
    loss().backward();
    for (const auto& [name, parameter] : model.named_parameters()) {
      const torch::NoGradGuard no_grad;
      const auto along = torch::randn_like(parameter);
      const double expected = (parameter.grad() * along).sum().item<double>();
      const double h = 1e-5;
      parameter.add_(along, h);
      const double up = loss().item<double>();
      parameter.sub_(along, 2 * h);
      const double down = loss().item<double>();
      parameter.add_(along, h);
      EXPECT_NEAR((up - down) / (2 * h), expected, 1e-6 * (1 + std::abs(expected))) << name;
    }
  }
}

TEST(BlockThreads, AnswersDoNotDependOnTheNumberOfImagesBeside) {
  const MultipoleModel model = model_of(architecture(2, 1, 2, Sampling::conv), torch::kFloat64);
  const torch::NoGradGuard no_grad;
  const auto input = torch::randn({5, 3, 40, 24}, torch::kFloat64);
  const auto together = model.forward(input);
  for (int i = 0; i < 5; ++i)
    EXPECT_LT(largest_difference(model.forward(input.narrow(0, i, 1)), together.narrow(0, i, 1)), 1e-12);
}

TEST(BlockThreads, GradientsAreTheSameWithOneThreadAndWithMany) {
  Architecture a = architecture(2, 1, 2, Sampling::conv);
  a.convolutions = 1;
  const MultipoleModel model = model_of(a, torch::kFloat64);
  const auto input = torch::randn({3, 3, 40, 24}, torch::kFloat64);
  const int before = torch::get_num_threads();
  std::vector<torch::Tensor> first;
  for (int threads : {1, 3, 3}) {
    torch::set_num_threads(threads);
    for (const auto& p : model.parameters()) p.mutable_grad() = torch::Tensor();
    model.forward(input).square().mean().backward();
    for (std::size_t i = 0; i < model.parameters().size(); ++i) {
      const auto& gradient = model.parameters()[i].grad();
      if (threads == 1) {
        first.push_back(gradient);
      } else {
        EXPECT_LT(largest_difference(gradient, first[i]), 1e-11);
      }
    }
  }
  torch::set_num_threads(before);
}

}  // namespace
}  // namespace mano
