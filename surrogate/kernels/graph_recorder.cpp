#include "surrogate/kernels/graph_recorder.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <fmt/core.h>

#include <cstdio>
#include <map>

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

namespace {

// Libraries choose their algorithms and take their memory the first time.
constexpr int kEagerRuns = 1;

struct Recorded {
  int eager = 0;
  bool failed = false;
  std::unique_ptr<at::cuda::CUDAGraph> graph;
  std::vector<Tensor> inputs;  // what the graph reads
  Tensor result;               // what it writes
};

}  // namespace

struct GraphRecorder::Impl {
  torch::Device device;
  // Eager runs and recording; replays go to the current stream.
  c10::cuda::CUDAStream stream;
  at::MempoolId_t pool;
  std::map<std::pair<std::size_t, std::vector<int64_t>>, Recorded> graphs;
  bool told = false;  // that something cannot be recorded

  explicit Impl(torch::Device where)
      : device(where),
        stream(c10::cuda::getStreamFromPool(false, where.index())),
        pool(at::cuda::graph_pool_handle()) {}

  void wait() const { torch::cuda::synchronize(device.index()); }

  Tensor eager(const std::vector<Tensor>& inputs, const Work& work) {
    wait();
    Tensor result;
    {
      const c10::cuda::CUDAStreamGuard guard(stream);
      result = work(inputs);
    }
    wait();
    return result;
  }

  // Nothing of it is run yet.
  void record(Recorded& r, const std::vector<Tensor>& inputs, const Work& work) {
    for (const Tensor& t : inputs) r.inputs.push_back(t.detach().clone());
    wait();
    const c10::cuda::CUDAStreamGuard guard(stream);
    r.graph = std::make_unique<at::cuda::CUDAGraph>();
    // Other threads may take memory of the device meanwhile.
    r.graph->capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    try {
      r.result = work(r.inputs);
    } catch (...) {
      try {
        r.graph->capture_end();
      } catch (...) {  // what broke the recording was told already
      }
      throw;
    }
    r.graph->capture_end();
  }

  static Tensor replay(Recorded& r, const std::vector<Tensor>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) r.inputs[i].copy_(inputs[i], true);
    r.graph->replay();
    return r.result;
  }
};

GraphRecorder::GraphRecorder(torch::Device device) {
  if (device.is_cuda()) impl_ = std::make_unique<Impl>(device);
}
GraphRecorder::~GraphRecorder() = default;

Tensor GraphRecorder::run(std::size_t key, const std::vector<Tensor>& inputs, const Work& work) {
  if (!impl_) return work(inputs);
  std::vector<int64_t> shape;
  for (const Tensor& t : inputs) shape.insert(shape.end(), t.sizes().begin(), t.sizes().end());
  Recorded& r = impl_->graphs[{key, shape}];
  if (r.failed) return work(inputs);
  if (r.eager < kEagerRuns) {
    ++r.eager;
    return impl_->eager(inputs, work);
  }
  if (!r.graph) {
    try {
      impl_->record(r, inputs, work);
    } catch (const std::exception& e) {
      const std::string what = e.what();
      if (!impl_->told)
        fmt::print(
            stderr,
            "note: work could not be recorded as a CUDA graph ({}); its kernels are launched one by one\n",
            what.substr(0, what.find('\n')));
      impl_->told = true;
      r = Recorded{};
      r.failed = true;
      return work(inputs);
    }
  }
  return Impl::replay(r, inputs);
}

std::size_t GraphRecorder::recorded() const {
  std::size_t count = 0;
  if (impl_)
    for (const auto& [key, r] : impl_->graphs) count += r.graph ? 1 : 0;
  return count;
}

}  // namespace mano
