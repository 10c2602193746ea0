// The network as a displacement in time (surrogate/multigrid/history_model.hpp). The loss of a sample is the relative L2 error of its
// saturations over space and time, and parts of those of its pressures and of the saturation of what flows out, which is a cell or few
// but decides the curves. Validation is the saturations' error alone.

#include <cmath>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/history_model.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/training/symmetry.hpp"
#include "surrogate/training/train_task.hpp"

namespace mano {

namespace {

// Of the pressures in the loss. They are smooth and soon learnt; fronts are what takes the epochs.
constexpr double kPressureWeight = 0.1;
constexpr double kOutflowWeight = 0.3;

class HistoryTask : public TrainTask {
 public:
  HistoryTask(SurrogateModel& model, const TrainData& data, const TrainRequest& request)
      : TrainTask(*model.base, data.storage), model_(model), data_(data), precision_(precision_of(request)) {
    for (const TrainSet& set : data.sets) {
      parts_.push_back(set.split);
      symmetries_.push_back(request.symmetry ? history_symmetries(set.info.displacement, set.info.grid)
                                             : std::vector<Symmetry>{{}});
    }
  }

  const char* name() const override { return "base"; }
  const std::vector<Split>& parts() const override { return parts_; }

  // Permeability [n, 1, H, W]; first guess, saturation, pressure [n, T, H, W]; outflow [n, 1, H, W].
  std::vector<torch::Tensor> question(std::size_t part, const torch::Tensor& samples,
                                      std::uint64_t draw) const override {
    const Symmetry& s = symmetries_[part][mix(draw) % symmetries_[part].size()];
    auto fields = fields_of(part, samples);
    for (torch::Tensor& field : fields) field = reflected(field, s);
    return fields;
  }

  torch::Tensor errors_of(std::size_t part, const std::vector<torch::Tensor>& question) const override {
    const HistoryTensors history = predicted(part, question);
    return relative_l2(history.saturation, question[2]) +
           kPressureWeight * relative_l2(history.pressure, question[3]) +
           kOutflowWeight * outflow_error(history.saturation, question[2], question[4]);
  }

  torch::Tensor validation_errors(std::size_t part, const torch::Tensor& samples) const override {
    const auto fields = fields_of(part, samples);
    return relative_l2(bounded(model_, predicted(part, fields), fields[0]).saturation, fields[2]);
  }

 private:
  // Root mean square over the times of the error in the saturation of what leaves, [n].
  static torch::Tensor outflow_error(const torch::Tensor& a, const torch::Tensor& b,
                                     const torch::Tensor& outflow) {
    const auto error = ((a - b) * outflow).sum({2, 3});
    return error.norm(2, 1) / std::sqrt(static_cast<double>(error.size(1)));
  }

  HistoryTensors predicted(std::size_t part, const std::vector<torch::Tensor>& fields) const {
    HistoryTensors history =
        history_direct(model_, fields[0], fields[1], data_.sets[part].info.grid, precision_);
    const auto active = model_.active_on(fields[0], resolution_of(fields[0]));
    return {hidden(history.saturation, active), hidden(history.pressure, active)};
  }

  std::vector<torch::Tensor> fields_of(std::size_t part, const torch::Tensor& samples) const {
    const auto index = samples.to(storage_);
    const TrainSet& set = data_.sets[part];
    std::vector<torch::Tensor> fields;
    for (const auto* whole :
         {&set.permeability, &set.first_guess, &set.saturation, &set.pressure, &set.outflow})
      fields.push_back(take(*whole, index, model_.device));
    return fields;
  }

  const SurrogateModel& model_;
  const TrainData& data_;
  Precision precision_;
  std::vector<Split> parts_;
  std::vector<std::vector<Symmetry>> symmetries_;
};

}  // namespace

std::unique_ptr<TrainTask> history_task(SurrogateModel& model, const TrainData& data,
                                        const TrainRequest& request) {
  return std::make_unique<HistoryTask>(model, data, request);
}

}  // namespace mano
