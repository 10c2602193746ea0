// Stands in for surrogate/training/step_graph.cpp where CUDA was not built.

#include "surrogate/kernels/torch.hpp"
#include "surrogate/training/step_graph.hpp"

namespace mano {

using torch::Tensor;

Tensor eager_step(const std::vector<Tensor>& question, const ErrorsOf& errors, double samples) {
  const auto sum = errors(question).sum();
  (sum / samples).backward();
  return sum.detach();
}

struct StepGraphs::Impl {};

StepGraphs::StepGraphs(std::vector<Tensor>, torch::Device) {}
StepGraphs::~StepGraphs() = default;

Tensor StepGraphs::step(std::size_t, const std::vector<Tensor>& question, const ErrorsOf& errors,
                        double samples) {
  return eager_step(question, errors, samples);
}

std::size_t StepGraphs::recorded() const {
  return 0;
}

}  // namespace mano
