#pragma once
// AdamW (Loshchilov and Hutter, arXiv 1711.05101) on clipped gradients, with Muon for weights that are matrices where that is asked for
// (surrogate/training/muon.hpp), and an average of the weights over the last steps. All of it stays on the weights' device: a step whose
// gradient is not finite is left out there and counted there, so that the host need not wait for a GPU. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/networks/network.hpp"
#include "surrogate/training/train_request.hpp"

namespace mano {

class Optimizer {
 public:
  /// `gradient_clip` bounds the 2-norm of the whole gradient. The network must outlive it and stay where it is.
  Optimizer(const Network& network, OptimizerKind kind, double weight_decay, double gradient_clip);

  void zero_gradients();

  /// One step by the gradients that the weights carry; weights without one stay. Returns whether it was taken, as a tensor of 1
  /// or 0 on the device.
  torch::Tensor step(double learning_rate);

  /// The two halves of step(): what the host knows of it, written to the device, and the rest, which is the same work on the same
  /// tensors each time and so can be recorded (surrogate/kernels/graph_recorder.hpp).
  void schedule(double learning_rate);
  torch::Tensor update();

  struct Skipped {
    int steps = 0;     ///< since begin_epoch()
    int in_a_row = 0;  ///< the longest run of them since then, or one that reached into it
  };
  Skipped skipped() const;  ///< waits for the device
  void begin_epoch();

  std::vector<torch::Tensor> parameters;  ///< the network's own
  std::vector<torch::Tensor> average;     ///< over the last tenth of the steps so far, at most 1000

  /// Moments, counts and the average, under "exp_avg.NAME", "exp_avg_sq.NAME", "step.NAME", "average.NAME". Muon's momentum is the first.
  void store_in(SafetensorsFile& file) const;
  /// Throws InvalidInput, naming `where`, for what is missing or of a wrong shape.
  void restore_from(const SafetensorsFile& file, std::int64_t steps, const std::string& where);

 private:
  struct Gathered {
    std::vector<torch::Tensor> weights, gradients, means, squares, taken;
  };
  Gathered gather(const std::vector<std::size_t>& places) const;
  template <typename Rate>
  void adamw_step(const torch::Tensor& bad, const Rate& learning_rate);
  template <typename Rate>
  void muon_step(const std::vector<std::size_t>& alike, const torch::Tensor& bad, const Rate& learning_rate);

  double weight_decay_;
  double gradient_clip_;
  std::int64_t steps_ = 0;
  double learning_rate_ = 0.0, forget_ = 0.0;  // of the step: what the average takes of the new weights
  torch::Tensor on_device_;                    // both of them, on a GPU
  std::vector<std::string> names_;
  std::vector<std::size_t> by_adamw_;              // places in `parameters`
  std::vector<std::vector<std::size_t>> by_muon_;  // those of one shape together: their products are batches
  std::vector<torch::Tensor> mean_, square_, taken_;  // moments; steps of each weight, scalars
  torch::Tensor counters_;                            // skipped, in a row, longest in a row
};

}  // namespace mano
