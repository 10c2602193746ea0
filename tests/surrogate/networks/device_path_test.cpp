// What a GPU is given, run on the CPU: its answers, and how many kernels a training step would launch.
#include <gtest/gtest.h>

#include <set>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/multipole_model.hpp"
#include "surrogate/operator_counter.hpp"
#include "surrogate/training/optimizer.hpp"

namespace mano {
namespace {

using torch::Tensor;

std::vector<Tensor> answers(MultipoleModel& model, const Tensor& input, bool operators) {
  model.operators_on_cpu = operators;
  for (const Tensor& p : model.parameters()) p.mutable_grad() = Tensor();
  const auto out = model.forward(input);
  (out * torch::arange(out.numel(), out.options()).view(out.sizes()).sin()).sum().backward();
  std::vector<Tensor> results{out.detach()};
  for (const Tensor& p : model.parameters()) results.push_back(p.grad().clone());
  return results;
}

TEST(DevicePath, GivesTheBlocksAnswersAndGradients) {
  for (const auto sampling : {Architecture::Sampling::conv, Architecture::Sampling::avg_pool}) {
    Architecture a = architecture_preset("small-published");
    a.depth = 2;
    a.sampling = sampling;
    MultipoleModel model(a, 1);
    model.to(torch::kCPU, torch::kFloat64);
    torch::manual_seed(2);
    const auto input = torch::randn({2, 3, 33, 20}, torch::kFloat64);
    const auto expected = answers(model, input, false), actual = answers(model, input, true);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LT(((actual[i] - expected[i]).norm() / expected[i].norm()).item<double>(), 1e-10) << i;
  }
}

constexpr int kLaunches = 1150;

TEST(DevicePath, AStepLaunchesNoMoreThanItDidAndAsksNothingOfTheHost) {
  MultipoleModel model(architecture_preset("small-published"), 0);
  model.operators_on_cpu = true;
  Optimizer optimizer(model, OptimizerKind::muon, 0.1, 1.0);
  const auto input = torch::randn({2, 3, 64, 64});
  const auto gradients = [&] {
    optimizer.zero_gradients();
    model.forward(input).square().mean().backward();
  };
  const auto update = [&] { optimizer.step(1e-3); };
  gradients();
  update();
  const auto counts = OperatorCounter::of(gradients).first;
  const auto updates = OperatorCounter::of(update).second;
  // One kernel each, or some; outer operators such as linear or matmul are made of these.
  const std::set<std::string> running{"aten::mm",
                                      "aten::addmm",
                                      "aten::bmm",
                                      "aten::native_layer_norm",
                                      "aten::native_layer_norm_backward",
                                      "aten::add",
                                      "aten::add_",
                                      "aten::mul",
                                      "aten::mul_",
                                      "aten::sum",
                                      "aten::gelu",
                                      "aten::tanh",
                                      "aten::copy_",
                                      "aten::gelu_backward",
                                      "aten::tanh_backward",
                                      "aten::fill_",
                                      "aten::zero_",
                                      "aten::cat",
                                      "aten::div",
                                      "aten::mean",
                                      "aten::pow"};
  int launches = 0;
  std::string all;
  for (const auto& [name, count] : counts) {
    if (running.count(name) != 0 || name.find("AttentionNode") != std::string::npos) launches += count;
    all += name + " " + std::to_string(count) + "\n";
  }
  EXPECT_LT(launches, kLaunches) << all;
  EXPECT_GT(launches, kLaunches / 2) << all;
  for (const char* waits : {"aten::item", "aten::_local_scalar_dense", "aten::nonzero"})
    EXPECT_EQ(counts.count(waits) + updates.count(waits), 0u) << waits;
}

// The optimiser takes all weights of one shape together.
TEST(DevicePath, WhatTheOptimiserCallsDoesNotGrowWithTheNumberOfWeights) {
  const auto weights =
      static_cast<int>(MultipoleModel(architecture_preset("small-published"), 0).parameters().size());
  const auto calls = [](OptimizerKind kind, int blocks) {
    Architecture a = architecture_preset("small-published");
    a.depth = blocks;
    MultipoleModel model(a, 0);
    Optimizer optimizer(model, kind, 0.1, 1.0);
    for (auto& p : model.parameters()) p.mutable_grad() = torch::ones_like(p).detach();
    const auto counts = OperatorCounter::of([&] { optimizer.step(1e-3); }).second;
    int sum = 0;
    for (const auto& [name, count] : counts) sum += name == "aten::detach" ? 0 : count;
    return sum;
  };
  EXPECT_LT(calls(OptimizerKind::adamw, 4), weights);
  EXPECT_EQ(calls(OptimizerKind::adamw, 2), calls(OptimizerKind::adamw, 6));
  EXPECT_EQ(calls(OptimizerKind::muon, 2), calls(OptimizerKind::muon, 6));
  EXPECT_LT(calls(OptimizerKind::muon, 2), 300);
}

}  // namespace
}  // namespace mano
