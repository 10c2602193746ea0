#include "surrogate/classifier.hpp"

#include "core/error.hpp"
#include "surrogate/kernels/device.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/model.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"

namespace mano {

struct Classifier::Impl {
  SurrogateModel model;
};

Classifier::Classifier(const std::filesystem::path& model_path, const std::string& device_name) {
  const auto path = checkpoint_path(model_path);
  impl_ = std::make_unique<Impl>(Impl{load_checkpoint(path)});
  check(!impl_->model.card.classes.empty(),
        "{}: it predicts pressures and knows no classes: train one with 'mano train --task classify'",
        path.string());
  impl_->model.to(device_from(device_name));
  impl_->model.freeze();
}

Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;

const ModelCard& Classifier::card() const {
  return impl_->model.card;
}

std::vector<std::vector<double>> Classifier::probabilities(const std::vector<Field>& permeabilities) const {
  if (permeabilities.empty()) return {};
  for (const Field& k : permeabilities) check_permeability(k, "classify");
  const torch::InferenceMode inference;
  const SurrogateModel& model = impl_->model;
  const Grid& grid = permeabilities.front().grid;
  check_grid(model.card.architecture, grid.ny, grid.nx);
  const auto logits =
      model.class_logits(stack_values(permeabilities).to(model.device), grid, Precision::full);
  const auto shares = torch::softmax(logits, 1).to(torch::kCPU, torch::kFloat64).contiguous();
  std::vector<std::vector<double>> list;
  for (std::int64_t n = 0; n < shares.size(0); ++n) {
    const auto row = shares[n];
    list.emplace_back(row.data_ptr<double>(), row.data_ptr<double>() + row.numel());
  }
  return list;
}

}  // namespace mano
