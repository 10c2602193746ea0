#pragma once
// Work on tensors that is done again and again, such as a training step. On a GPU its launches are recorded as a CUDA graph and
// replayed: a step of a small network is a thousand kernels of microseconds, and launching them one by one takes the host longer than
// the device takes to run them. surrogate/kernels/graph_recorder.cpp where CUDA is built, else surrogate/kernels/no_cuda.cpp, which
// does the work as it comes. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <functional>
#include <memory>
#include <vector>

namespace mano {

/// A tensor from tensors. Beyond that it may change tensors that stay where they are. Nothing in it is random, asks the host, or
/// depends on anything else that changes.
using Work = std::function<torch::Tensor(const std::vector<torch::Tensor>& inputs)>;

class GraphRecorder {
 public:
  /// On a device other than a GPU nothing is recorded.
  explicit GraphRecorder(torch::Device device);
  ~GraphRecorder();
  GraphRecorder(const GraphRecorder&) = delete;
  GraphRecorder& operator=(const GraphRecorder&) = delete;

  /// work(inputs), once. One graph for each `key`, which stands for the work, and shapes of the inputs. The first time is eager, the
  /// second recorded; the result is valid until the next call. What cannot be recorded stays eager, and standard error says so once.
  torch::Tensor run(std::size_t key, const std::vector<torch::Tensor>& inputs, const Work& work);

  std::size_t recorded() const;  ///< graphs so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
