// The base network, to the pressures of the data, on the data's grid or on a coarser one (ModelCard::coarsening).
#include <torch/torch.h>

#include "surrogate/grid_transfer.hpp"
#include "surrogate/symmetry.hpp"
#include "surrogate/tensor_fields.hpp"
#include "surrogate/train_task.hpp"

namespace mano {

namespace {

class BaseTask : public TrainTask {
 public:
  BaseTask(SurrogateModel& model, const TrainData& data, Precision precision, bool symmetry)
      : TrainTask(*model.base, data.storage), model_(model), data_(data), precision_(precision) {
    const torch::NoGradGuard no_grad;
    for (const TrainSet& set : data.sets) {
      const Resolution r = model.card.network_grid({set.info.grid.nx, set.info.grid.ny});
      const Grid grid = with_resolution(set.info.grid, r);
      fields_.push_back({grid, permeability_at(set, r, model.card), pressure_at(set, r, model.card)});
      parts_.push_back(set.split);
      symmetries_.push_back(symmetry ? symmetries(data.card.setup, grid, data.card.location)
                                     : std::vector<Symmetry>{{}});
    }
  }

  const char* name() const override { return "base"; }
  const std::vector<Split>& parts() const override { return parts_; }

  torch::Tensor errors(std::size_t part, const torch::Tensor& samples,
                       std::optional<std::uint64_t> draw) const override {
    const Fields& fields = fields_[part];
    const auto index = samples.to(storage_);
    auto permeability = take(fields.permeability, index, model_.device);
    auto pressure = take(fields.pressure, index, model_.device);
    if (draw && symmetries_[part].size() > 1) {
      const Symmetry& s = symmetries_[part][mix(*draw) % symmetries_[part].size()];
      permeability = reflected(permeability, s);
      pressure = reflected(pressure, s) * s.sign + s.offset;
    }
    const auto input =
        network_input(permeability, fields.grid, data_.card.location, data_.card.normalization);
    return relative_l2(denormalized(network().forward(input, precision_), data_.card.normalization),
                       pressure);
  }

 private:
  struct Fields {  // of one file
    Grid grid;
    torch::Tensor permeability, pressure;  // [N, 1, H, W]
  };

  const SurrogateModel& model_;
  const TrainData& data_;
  Precision precision_;
  std::vector<Fields> fields_;
  std::vector<Split> parts_;
  std::vector<std::vector<Symmetry>> symmetries_;
};

}  // namespace

std::unique_ptr<TrainTask> base_task(SurrogateModel& model, const TrainData& data, Precision precision,
                                     bool symmetry) {
  return std::make_unique<BaseTask>(model, data, precision, symmetry);
}

}  // namespace mano
