// The base network, to the pressures of the data.
#include <torch/torch.h>

#include "surrogate/symmetry.hpp"
#include "surrogate/tensor_fields.hpp"
#include "surrogate/train_task.hpp"

namespace mano {

namespace {

class BaseTask : public TrainTask {
 public:
  BaseTask(SurrogateModel& model, const TrainData& data, Precision precision, bool symmetry)
      : TrainTask(*model.base), model_(model), data_(data), precision_(precision) {
    for (const TrainSet& set : data.sets) {
      parts_.push_back(set.split);
      symmetries_.push_back(symmetry ? symmetries(data.card.setup, set.info.grid, data.card.location)
                                     : std::vector<Symmetry>{{}});
    }
  }

  const char* name() const override { return "base"; }
  const std::vector<Split>& parts() const override { return parts_; }

  torch::Tensor errors(std::size_t part, const torch::Tensor& samples,
                       std::optional<std::uint64_t> draw) const override {
    const TrainSet& set = data_.sets[part];
    const auto index = samples.to(model_.device);
    auto permeability = set.permeability.index_select(0, index);
    auto pressure = set.pressure.index_select(0, index);
    if (draw && symmetries_[part].size() > 1) {
      const Symmetry& s = symmetries_[part][mix(*draw) % symmetries_[part].size()];
      permeability = reflected(permeability, s);
      pressure = reflected(pressure, s) * s.sign + s.offset;
    }
    const auto input =
        network_input(permeability, set.info.grid, data_.card.location, data_.card.normalization);
    return relative_l2(denormalized(network().forward(input, precision_), data_.card.normalization),
                       pressure);
  }

 private:
  const SurrogateModel& model_;
  const TrainData& data_;
  Precision precision_;
  std::vector<Split> parts_;
  std::vector<std::vector<Symmetry>> symmetries_;
};

}  // namespace

std::unique_ptr<TrainTask> base_task(SurrogateModel& model, const TrainData& data, Precision precision,
                                     bool symmetry) {
  return std::make_unique<BaseTask>(model, data, precision, symmetry);
}

}  // namespace mano
