// AdamW against LibTorch's own, Muon against its formula, steps that are left out, and going on from a file.
#include "surrogate/training/optimizer.hpp"

#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "core/error.hpp"
#include "surrogate/checkpoint/tensor_store.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/training/muon.hpp"

namespace mano {
namespace {

// On the CPU and, where there is one, on a GPU; AdamW alone and Muon.
class OptimizerTest : public ::testing::TestWithParam<std::tuple<const char*, OptimizerKind>> {
 protected:
  void SetUp() override {
    if (device() == std::string("cuda") && !torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  }
  static const char* device() { return std::get<0>(GetParam()); }
  static OptimizerKind kind() { return std::get<1>(GetParam()); }
  static std::unique_ptr<Network> network(std::uint64_t seed = 1) {
    Architecture a;
    a.dim = 8;
    a.depth = 1;
    a.heads = 2;
    a.dim_head = 4;
    a.mlp = 16;
    auto made = make_network(a, seed);
    made->to(torch::Device(device()), torch::kFloat32);
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
  Optimizer optimizer(*ours, OptimizerKind::adamw, 0.1, 1.0);
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

// Momentum and step of every matrix in float64, one at a time; of the biases and norms LibTorch's AdamW.
TEST_P(OptimizerTest, TakesMuonsStepsOfMatrices) {
  const auto ours = network(), theirs = network(), start = network();
  constexpr double kRate = 1e-2, kDecay = 0.1;
  Optimizer optimizer(*ours, OptimizerKind::muon, kDecay, 1e6);
  std::vector<torch::Tensor> rest, momentum;
  for (const auto& p : theirs->parameters()) {
    if (!muon::has_matrices(p.sizes())) rest.push_back(p);
    momentum.push_back(torch::zeros_like(p, torch::kFloat64).detach());
  }
  EXPECT_EQ(theirs->parameters().size() - rest.size(),
            7u);  // qkv, out, down, up, two of the MLP, Q of the head
  torch::optim::AdamW reference(rest, torch::optim::AdamWOptions(kRate).weight_decay(kDecay));
  for (int step = 0; step < 10; ++step) {
    set_gradients(*ours, step);
    set_gradients(*theirs, step);
    optimizer.step(kRate);
    reference.step();
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < momentum.size(); ++i) {
      auto w = theirs->parameters()[i];
      if (!muon::has_matrices(w.sizes())) continue;
      const auto g = w.grad().to(torch::kFloat64).flatten(1);
      momentum[i] = 0.95 * momentum[i].flatten(1) + 0.05 * g;
      const auto u = 0.95 * momentum[i] + 0.05 * g;
      const double size = 0.2 * std::sqrt(static_cast<double>(std::max(u.size(0), u.size(1))));
      const auto change =
          size * muon::orthonormal(u.unsqueeze(0))[0].reshape(w.sizes()) + kDecay * w.to(torch::kFloat64);
      w.sub_((kRate * change).to(torch::kFloat32));
    }
  }
  EXPECT_GT(difference(*ours, *start), 0.05);
  EXPECT_LT(difference(*ours, *theirs), 2e-5);
}

TEST_P(OptimizerTest, LeavesOutStepsThatAreNotFinite) {
  const auto net = network(), twin = network();
  Optimizer optimizer(*net, kind(), 0.1, 1.0), other(*twin, kind(), 0.1, 1.0);
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
  Optimizer optimizer(*net, kind(), 0.0, 1.0);
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
  Optimizer optimizer(*net, kind(), 0.1, 1.0);
  set_gradients(*net, 1);
  net->parameters()[2].mutable_grad() = torch::Tensor();
  optimizer.step(1e-2);
  EXPECT_TRUE(torch::equal(net->parameters()[2], start->parameters()[2]));
  EXPECT_FALSE(torch::equal(net->parameters()[1], start->parameters()[1]));
}

TEST_P(OptimizerTest, GoesOnFromAFileBitForBit) {
  const auto net = network();
  Optimizer optimizer(*net, kind(), 0.1, 1.0);
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
  Optimizer restored(*other, kind(), 0.1, 1.0);
  restored.restore_from(file, 3, "state");
  for (int step = 3; step < 6; ++step) {
    set_gradients(*net, step);
    set_gradients(*other, step);
    optimizer.step(1e-2);
    restored.step(1e-2);
  }
  EXPECT_EQ(difference(*net, *other), 0.0);
  EXPECT_TRUE(torch::equal(optimizer.average[0], restored.average[0]));
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with("step.")) {
      EXPECT_EQ(restore(tensor).item<float>(), 3.0F) << name;
    }
  }
  file.tensors.erase(file.tensors.begin());
  EXPECT_THROW(restored.restore_from(file, 3, "state"), InvalidInput);
}

INSTANTIATE_TEST_SUITE_P(On, OptimizerTest,
                         ::testing::Combine(::testing::Values("cpu", "cuda"),
                                            ::testing::Values(OptimizerKind::adamw, OptimizerKind::muon)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) +
                                  (std::get<1>(info.param) == OptimizerKind::muon ? "Muon" : "AdamW");
                         });

}  // namespace
}  // namespace mano
