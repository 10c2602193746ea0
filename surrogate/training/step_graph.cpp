#include "surrogate/training/step_graph.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/core.h>

#include <cstdio>
#include <map>

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

Tensor eager_step(const std::vector<Tensor>& question, const ErrorsOf& errors, double samples) {
  const auto sum = errors(question).sum();
  (sum / samples).backward();
  return sum.detach();
}

namespace {

// Libraries choose their algorithms and take their memory in the first steps.
constexpr int kEagerSteps = 3;

struct Recorded {
  int eager = 0;
  std::unique_ptr<at::cuda::CUDAGraph> graph;
  std::vector<Tensor> question;   // what the graph reads
  Tensor sum;                     // what it writes
  std::vector<Tensor> gradients;  // undefined where a weight gets none
};

}  // namespace

struct StepGraphs::Impl {
  std::vector<Tensor> parameters;
  torch::Device device;
  // Warm-up and recording; replays go to the current stream.
  c10::cuda::CUDAStream stream;
  at::MempoolId_t pool;
  std::map<std::pair<std::size_t, std::vector<int64_t>>, Recorded> graphs;
  bool failed = false;

  Impl(std::vector<Tensor> all, torch::Device where)
      : parameters(std::move(all)),
        device(where),
        stream(c10::cuda::getStreamFromPool(false, where.index())),
        pool(at::cuda::graph_pool_handle()) {}

  void wait() const { torch::cuda::synchronize(device.index()); }

  Tensor warm_up(const std::vector<Tensor>& question, const ErrorsOf& errors, double samples) {
    wait();
    Tensor sum;
    {
      const c10::cuda::CUDAStreamGuard guard(stream);
      sum = eager_step(question, errors, samples);
    }
    wait();
    return sum;
  }

  void forget_gradients() {
    for (Tensor& parameter : parameters) parameter.mutable_grad() = Tensor();
  }

  // Nothing of it is run yet.
  void record(Recorded& r, const std::vector<Tensor>& question, const ErrorsOf& errors, double samples) {
    for (const Tensor& t : question) r.question.push_back(t.detach().clone());
    forget_gradients();  // backward takes them from the graph's own memory
    wait();
    const c10::cuda::CUDAStreamGuard guard(stream);
    r.graph = std::make_unique<at::cuda::CUDAGraph>();
    // Other threads may take memory of the device meanwhile.
    r.graph->capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    try {
      r.sum = eager_step(r.question, errors, samples);
    } catch (...) {
      try {
        r.graph->capture_end();
      } catch (...) {  // what broke the recording was told already
      }
      throw;
    }
    r.graph->capture_end();
    for (const Tensor& parameter : parameters) r.gradients.push_back(parameter.grad());
  }

  Tensor replay(Recorded& r, const std::vector<Tensor>& question) {
    for (std::size_t i = 0; i < question.size(); ++i) r.question[i].copy_(question[i], true);
    r.graph->replay();
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = r.gradients[i];
    return r.sum;
  }
};

StepGraphs::StepGraphs(std::vector<Tensor> parameters, torch::Device device) {
  if (device.is_cuda()) impl_ = std::make_unique<Impl>(std::move(parameters), device);
}
StepGraphs::~StepGraphs() = default;

Tensor StepGraphs::step(std::size_t part, const std::vector<Tensor>& question, const ErrorsOf& errors,
                        double samples) {
  if (!impl_ || impl_->failed) return eager_step(question, errors, samples);
  std::vector<int64_t> shape;
  for (const Tensor& t : question) shape.insert(shape.end(), t.sizes().begin(), t.sizes().end());
  Recorded& r = impl_->graphs[{part, shape}];
  if (r.eager < kEagerSteps) {
    ++r.eager;
    return impl_->warm_up(question, errors, samples);
  }
  if (!r.graph) {
    try {
      impl_->record(r, question, errors, samples);
    } catch (const std::exception& e) {
      const std::string what = e.what();
      fmt::print(
          stderr,
          "note: a training step could not be recorded as a CUDA graph ({}); steps are launched one by one\n",
          what.substr(0, what.find('\n')));
      impl_->failed = true;
      impl_->graphs.clear();
      impl_->forget_gradients();
      return eager_step(question, errors, samples);
    }
  }
  return impl_->replay(r, question);
}

std::size_t StepGraphs::recorded() const {
  std::size_t count = 0;
  if (impl_)
    for (const auto& [key, r] : impl_->graphs) count += r.graph ? 1 : 0;
  return count;
}

}  // namespace mano
