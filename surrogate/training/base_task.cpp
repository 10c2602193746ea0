// The base network, to the pressures of the data, on the data's grid or on a coarser one (ModelCard::coarsening).

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/training/symmetry.hpp"
#include "surrogate/training/train_task.hpp"

namespace mano {

namespace {

class BaseTask : public TrainTask {
 public:
  BaseTask(SurrogateModel& model, const TrainData& data, const TrainRequest& request)
      : TrainTask(*model.base, data.storage), model_(model), data_(data), precision_(precision_of(request)) {
    const torch::NoGradGuard no_grad;
    for (const TrainSet& set : data.sets) {
      const Resolution r = model.card.network_grid({set.info.grid.nx, set.info.grid.ny});
      const Grid grid = with_resolution(set.info.grid, r);
      fields_.push_back({grid, permeability_at(set, r, model.card), pressure_at(set, r, model.card)});
      if (data.fresh) {  // they change from epoch to epoch, the data's own stay
        fields_.back().permeability = fields_.back().permeability.clone();
        fields_.back().pressure = fields_.back().pressure.clone();
      }
      parts_.push_back(set.split);
      symmetries_.push_back(request.symmetry ? symmetries(data.card.problem_name, grid, data.card.location)
                                             : std::vector<Symmetry>{{}});
      if (request.exchange) symmetries_.back().push_back({.exchange = true});
    }
  }

  // The first epoch's are there.
  void begin_epoch(int epoch) override {
    if (!data_.fresh || epoch == epoch_) return;
    const torch::NoGradGuard no_grad;
    epoch_ = epoch;
    const auto [permeability, pressure] = data_.fresh->epoch(epoch);
    TrainSet set;
    set.info = data_.sets.front().info;
    set.permeability = permeability.to(data_.storage);
    set.pressure = pressure.to(data_.storage);
    Fields& fields = fields_.front();
    const Resolution r{fields.grid.nx, fields.grid.ny};
    const std::int64_t first = data_.fresh->held_out_count();
    fields.permeability.slice(0, first).copy_(permeability_at(set, r, model_.card));
    fields.pressure.slice(0, first).copy_(pressure_at(set, r, model_.card));
  }

  const char* name() const override { return "base"; }
  const std::vector<Split>& parts() const override { return parts_; }

  // Permeability and pressure, [n, 1, H, W].
  std::vector<torch::Tensor> question(std::size_t part, const torch::Tensor& samples,
                                      std::uint64_t draw) const override {
    auto fields = fields_of(part, samples);
    if (symmetries_[part].size() > 1) {
      const Symmetry& s = symmetries_[part][mix(draw) % symmetries_[part].size()];
      fields[0] = reflected(fields[0], s);
      fields[1] = hidden(reflected(fields[1], s) * s.sign + s.offset, active(fields[0]));
    }
    return fields;
  }

  torch::Tensor errors_of(std::size_t part, const std::vector<torch::Tensor>& question) const override {
    const auto input = network_input(question[0], fields_[part].grid, model_.card);
    const auto pressure = denormalized(network().forward(input, precision_), data_.card.normalization);
    return relative_l2(hidden(pressure, active(question[0])), question[1]);
  }

  torch::Tensor validation_errors(std::size_t part, const torch::Tensor& samples) const override {
    return errors_of(part, fields_of(part, samples));
  }

 private:
  torch::Tensor active(const torch::Tensor& permeability) const {
    return model_.card.takes_inactive() ? permeability : torch::Tensor();
  }

  std::vector<torch::Tensor> fields_of(std::size_t part, const torch::Tensor& samples) const {
    const auto index = samples.to(storage_);
    return {take(fields_[part].permeability, index, model_.device),
            take(fields_[part].pressure, index, model_.device)};
  }

  struct Fields {  // of one file
    Grid grid;
    torch::Tensor permeability, pressure;  // [N, 1, H, W]
  };

  const SurrogateModel& model_;
  const TrainData& data_;
  Precision precision_;
  int epoch_ = 0;  // whose fresh samples are there
  std::vector<Fields> fields_;
  std::vector<Split> parts_;
  std::vector<std::vector<Symmetry>> symmetries_;
};

}  // namespace

std::unique_ptr<TrainTask> base_task(SurrogateModel& model, const TrainData& data,
                                     const TrainRequest& request) {
  return std::make_unique<BaseTask>(model, data, request);
}

}  // namespace mano
