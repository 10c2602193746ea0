#pragma once
// Forward and backward pass of a training step. On a GPU the launches of one step are recorded as a CUDA graph and replayed: a step of
// a small network is a thousand kernels of microseconds, and launching them one by one takes the host longer than the device takes to
// run them. surrogate/training/step_graph.cpp where CUDA is built, else surrogate/training/no_step_graph.cpp. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <functional>
#include <memory>
#include <vector>

namespace mano {

/// Relative error of each sample, [n], from what a batch asks of the network; nothing random, nothing of the host.
using ErrorsOf = std::function<torch::Tensor(const std::vector<torch::Tensor>& question)>;

/// The pass itself, launch by launch: sum of the errors, detached; the gradients of sum / `samples` are added to what the
/// parameters carry.
torch::Tensor eager_step(const std::vector<torch::Tensor>& question, const ErrorsOf& errors, double samples);

/// Steps that are recorded, one graph for each part and shape of question. On the CPU every step is eager.
class StepGraphs {
 public:
  /// `parameters` are the network's own and stay where they are.
  StepGraphs(std::vector<torch::Tensor> parameters, torch::Device device);
  ~StepGraphs();
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  /// As eager_step() on parameters that carry no gradients. The first steps of a shape are eager, then one is recorded; a weight
  /// that got no gradient then gets none after. Where recording fails, all steps are eager, and standard error says so once.
  torch::Tensor step(std::size_t part, const std::vector<torch::Tensor>& question, const ErrorsOf& errors,
                     double samples);

  std::size_t recorded() const;  ///< graphs so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
