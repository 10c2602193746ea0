// The network as a classifier: which generator drew a field. Logits are the means over the grid of its output channels, one a class, which
// is mean pooling and a linear head, for the mean of a linear map is the map of the mean.

#include <algorithm>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/training/symmetry.hpp"
#include "surrogate/training/train_task.hpp"

namespace mano {

namespace {

class ClassificationTask : public TrainTask {
 public:
  ClassificationTask(SurrogateModel& model, const TrainData& data, const TrainRequest& request)
      : TrainTask(*model.base, data.storage), model_(model), data_(data), precision_(precision_of(request)) {
    for (const TrainSet& set : data.sets) {
      const auto& classes = model.card.classes;
      labels_.push_back(std::find(classes.begin(), classes.end(), set.info.field) - classes.begin());
      parts_.push_back(set.split);
      // A reflected field is of the same kind; the problem `benchmark` has all the symmetries of the domain.
      symmetries_.push_back(request.symmetry ? symmetries("benchmark", set.info.grid, data.card.location)
                                             : std::vector<Symmetry>{{}});
    }
  }

  const char* name() const override { return "classes"; }
  const std::vector<Split>& parts() const override { return parts_; }

  // Permeability, [n, 1, H, W].
  std::vector<torch::Tensor> question(std::size_t part, const torch::Tensor& samples,
                                      std::uint64_t draw) const override {
    const Symmetry& s = symmetries_[part][mix(draw) % symmetries_[part].size()];
    return {reflected(fields_of(part, samples), s)};
  }

  // The cross-entropy of each field.
  torch::Tensor errors_of(std::size_t part, const std::vector<torch::Tensor>& question) const override {
    const auto logits = model_.class_logits(question[0], data_.sets[part].info.grid, precision_);
    return -torch::log_softmax(logits, 1).select(1, labels_[part]);
  }

  torch::Tensor validation_errors(std::size_t part, const torch::Tensor& samples) const override {
    return errors_of(part, {fields_of(part, samples)});
  }

 private:
  torch::Tensor fields_of(std::size_t part, const torch::Tensor& samples) const {
    return take(data_.sets[part].permeability, samples.to(storage_), model_.device);
  }

  const SurrogateModel& model_;
  const TrainData& data_;
  Precision precision_;
  std::vector<std::int64_t> labels_;  // of each file
  std::vector<Split> parts_;
  std::vector<std::vector<Symmetry>> symmetries_;
};

}  // namespace

std::unique_ptr<TrainTask> classification_task(SurrogateModel& model, const TrainData& data,
                                               const TrainRequest& request) {
  return std::make_unique<ClassificationTask>(model, data, request);
}

}  // namespace mano
