#pragma once
// What a stage of training fits: the base network to pressures, or the refinement to what interpolation leaves. Private to
// surrogate/.

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "surrogate/multigrid/model.hpp"
#include "surrogate/training/train_data.hpp"

namespace mano {

/// Of matrix products.
inline Precision precision_of(const TrainRequest& request) {
  return request.bfloat16 ? Precision::bfloat16 : Precision::full;
}

/// Samples at once where no gradients are asked for. On a GPU, whose kernels are too small for a batch of training, eight batches: they
/// need no more memory than what a training step keeps of one.
inline int validation_batch(int training_batch, const torch::Device& device) {
  return device.is_cuda() ? 8 * training_batch : training_batch;
}

class TrainTask {
 public:
  virtual ~TrainTask() = default;

  /// Before each epoch, counted from 0: where samples are made as training goes on, those of this one.
  virtual void begin_epoch(int) {}
  virtual const char* name() const = 0;  ///< "base", "classes", "refinement"
  virtual const std::vector<Split>& parts() const = 0;
  /// What a training batch asks of the network, on its device; `draw` decides everything random about it. Tensors [n, ...], whose
  /// shapes repeat from batch to batch.
  virtual std::vector<torch::Tensor> question(std::size_t part, const torch::Tensor& samples,
                                              std::uint64_t draw) const = 0;
  /// Relative error of each sample of a question, [n], differentiable.
  virtual torch::Tensor errors_of(std::size_t part, const std::vector<torch::Tensor>& question) const = 0;
  /// The same as validation measures it, of the samples as they are.
  virtual torch::Tensor validation_errors(std::size_t part, const torch::Tensor& samples) const = 0;
  Network& network() const { return *network_; }
  torch::Device storage() const { return storage_; }  ///< where sample numbers are wanted

 protected:
  TrainTask(Network& network, torch::Device storage) : network_(&network), storage_(storage) {}
  Network* network_;
  torch::Device storage_;
};

std::unique_ptr<TrainTask> base_task(SurrogateModel& model, const TrainData& data,
                                     const TrainRequest& request);

/// The base network as a classifier: the class of a dataset is the generator of its fields (ModelCard::classes).
std::unique_ptr<TrainTask> classification_task(SurrogateModel& model, const TrainData& data,
                                               const TrainRequest& request);

/// The base network to the saturations and pressures of a displacement (ModelCard::history).
std::unique_ptr<TrainTask> history_task(SurrogateModel& model, const TrainData& data,
                                        const TrainRequest& request);

/// A refinement can be trained on such a grid: half as fine it has four points in each direction still.
bool can_refine(const Resolution& grid);
std::unique_ptr<TrainTask> refinement_task(SurrogateModel& model, const TrainData& data,
                                           const TrainRequest& request);

}  // namespace mano
