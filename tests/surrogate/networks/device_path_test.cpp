// What a GPU is given, run on the CPU: its answers, and how many kernels a training step would launch.
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/multipole_model.hpp"
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

// Operators that a piece of work calls, by name: all of them, and those that no other operator calls. What an
// operator is made of differs between devices: on a CPU `_foreach_mul_` is one product a tensor, on a GPU one kernel.
class Counter {
 public:
  using Counts = std::map<std::string, int>;

  Counter() {
    handle_ = at::addGlobalCallback(
        at::RecordFunctionCallback(
            [](const at::RecordFunction& f) -> std::unique_ptr<at::ObserverContext> {
              const std::lock_guard lock(guard_);
              if (counting_) ++all_[f.name()];
              if (counting_ && depth_++ == 0) ++outermost_[f.name()];
              return nullptr;
            },
            [](const at::RecordFunction&, at::ObserverContext*) { depth_ = std::max(0, depth_ - 1); })
            .scopes({at::RecordScope::FUNCTION}));
  }
  ~Counter() { at::removeCallback(handle_); }

  static std::pair<Counts, Counts> of(const std::function<void()>& work) {
    const Counter counter;
    all_.clear();
    outermost_.clear();
    depth_ = 0;
    counting_ = true;
    work();
    counting_ = false;
    return {all_, outermost_};
  }

 private:
  static inline std::mutex guard_;
  static inline bool counting_ = false;
  static inline Counts all_, outermost_;
  static thread_local inline int depth_ = 0;
  at::CallbackHandle handle_ = 0;
};

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
  const auto counts = Counter::of(gradients).first;
  const auto updates = Counter::of(update).second;
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
    const auto counts = Counter::of([&] { optimizer.step(1e-3); }).second;
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
