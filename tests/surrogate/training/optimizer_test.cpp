// AdamW against LibTorch's own, steps that are left out, and going on from a file.
#include "surrogate/training/optimizer.hpp"

#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <limits>
#include <string>

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {
namespace {

// On the CPU and, where there is one, on a GPU.
class OptimizerTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("cuda") && !torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  }
  static std::unique_ptr<Network> network(std::uint64_t seed = 1) {
    Architecture a;
    a.dim = 8;
    a.depth = 1;
    a.heads = 2;
    a.dim_head = 4;
    a.mlp = 16;
    auto made = make_network(a, seed);
    made->to(torch::Device(GetParam()), torch::kFloat32);
    return made;
  }

  // Gradients of some loss, as large as a clip of 1 bounds.
  static void set_gradients(const Network& net, int step, double factor = 1.0) {
    torch::manual_seed(step);
    for (const auto& p : net.parameters()) p.mutable_grad() = factor * torch::randn_like(p).detach();
  }

  static double difference(const Network& a, const Network& b) {
    double largest = 0.0;
    for (std::size_t i = 0; i < a.parameters().size(); ++i)
      largest = std::max(largest, (a.parameters()[i] - b.parameters()[i]).abs().max().item<double>());
    return largest;
  }
};

TEST_P(OptimizerTest, TakesTheStepsOfLibTorchsAdamW) {
  const auto ours = network(), theirs = network(), start = network();
  Optimizer optimizer(*ours, 0.1, 1.0);
  torch::optim::AdamW reference(theirs->parameters(), torch::optim::AdamWOptions(1e-2).weight_decay(0.1));
  for (int step = 0; step < 20; ++step) {
    set_gradients(*ours, step, step % 2 == 0 ? 1.0 : 1e-4);  // clipped, and not
    set_gradients(*theirs, step, step % 2 == 0 ? 1.0 : 1e-4);
    EXPECT_EQ(optimizer.step(1e-2).item<double>(), 1.0);
    torch::nn::utils::clip_grad_norm_(theirs->parameters(), 1.0);
    reference.step();
  }
  EXPECT_GT(difference(*ours, *start), 0.05);
  EXPECT_LT(difference(*ours, *theirs), 2e-6);
}

TEST_P(OptimizerTest, LeavesOutStepsThatAreNotFinite) {
  const auto net = network(), twin = network();
  Optimizer optimizer(*net, 0.1, 1.0), other(*twin, 0.1, 1.0);
  const auto good = [](Network& n, Optimizer& o, int step) {
    set_gradients(n, step);
    return o.step(1e-2).item<double>();
  };
  const auto bad = [&](int step, double value) {
    set_gradients(*net, step);
    net->parameters()[3].mutable_grad().view(-1)[0] = value;
    return optimizer.step(1e-2).item<double>();
  };
  good(*net, optimizer, 1);
  EXPECT_EQ(bad(2, std::numeric_limits<double>::quiet_NaN()), 0.0);
  EXPECT_EQ(bad(3, std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_EQ(optimizer.skipped().steps, 2);
  EXPECT_EQ(optimizer.skipped().in_a_row, 2);
  good(*net, optimizer, 4);
  // As if there had been none.
  good(*twin, other, 1);
  good(*twin, other, 4);
  EXPECT_EQ(difference(*net, *twin), 0.0);
  EXPECT_EQ(optimizer.skipped().in_a_row, 2);
  // A run may reach from one epoch into the next.
  bad(5, std::numeric_limits<double>::quiet_NaN());
  optimizer.begin_epoch();
  EXPECT_EQ(optimizer.skipped().steps, 0);
  bad(6, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(optimizer.skipped().steps, 1);
  EXPECT_EQ(optimizer.skipped().in_a_row, 2);
}

TEST_P(OptimizerTest, AveragesTheLastTenth) {
  const auto net = network();
  Optimizer optimizer(*net, 0.0, 1.0);
  auto expected = net->parameters()[0].detach().clone();
  for (int step = 1; step <= 30; ++step) {
    set_gradients(*net, step);
    optimizer.step(1e-2);
    const double keep = (1.0 + step) / (10.0 + step);
    expected = keep * expected + (1.0 - keep) * net->parameters()[0].detach();
  }
  EXPECT_LT((optimizer.average[0] - expected).abs().max().item<double>(), 1e-6);
}

TEST_P(OptimizerTest, WeightsWithoutAGradientStay) {
  const auto net = network(), start = network();
  Optimizer optimizer(*net, 0.1, 1.0);
  set_gradients(*net, 1);
  net->parameters()[2].mutable_grad() = torch::Tensor();
  optimizer.step(1e-2);
  EXPECT_TRUE(torch::equal(net->parameters()[2], start->parameters()[2]));
  EXPECT_FALSE(torch::equal(net->parameters()[1], start->parameters()[1]));
}

TEST_P(OptimizerTest, GoesOnFromAFileBitForBit) {
  const auto net = network();
  Optimizer optimizer(*net, 0.1, 1.0);
  for (int step = 0; step < 3; ++step) {
    set_gradients(*net, step);
    optimizer.step(1e-2);
  }
  SafetensorsFile file;
  optimizer.store_in(file);
  const auto other = network();
  {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < net->parameters().size(); ++i)
      other->parameters()[i].copy_(net->parameters()[i]);
  }
  Optimizer restored(*other, 0.1, 1.0);
  restored.restore_from(file, 3, "state");
  for (int step = 3; step < 6; ++step) {
    set_gradients(*net, step);
    set_gradients(*other, step);
    optimizer.step(1e-2);
    restored.step(1e-2);
  }
  EXPECT_EQ(difference(*net, *other), 0.0);
  EXPECT_TRUE(torch::equal(optimizer.average[0], restored.average[0]));
  file.tensors.erase(file.tensors.begin());
  EXPECT_THROW(restored.restore_from(file, 3, "state"), InvalidInput);
}

INSTANTIATE_TEST_SUITE_P(On, OptimizerTest, ::testing::Values("cpu", "cuda"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace mano
