#include "surrogate/training/held_out.hpp"

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/trust/calibration.hpp"

namespace mano {

namespace {

void add_errors(const SurrogateModel& model, const TrainSet& set, int batch, ErrorCollector& errors) {
  const Grid& grid = set.info.grid;
  const auto samples = torch::tensor(set.split.validation, torch::kLong);
  for (std::int64_t at = 0; at < samples.size(0); at += batch) {
    const auto some = samples.slice(0, at, at + batch).to(set.permeability.device());
    const auto prediction =
        model.by_multigrid(take(set.permeability, some, model.device), grid, {grid.nx, grid.ny});
    const auto pressure = set.pressure.index_select(0, some);
    for (std::int64_t s = 0; s < some.size(0); ++s)
      errors.add(field_of(prediction, s, grid), field_of(pressure, s, grid));
  }
}

}  // namespace

HeldOut held_out_errors(const SurrogateModel& model, const TrainData& data, int batch) {
  const torch::InferenceMode inference;
  HeldOut held_out;
  double fields = 0.0;
  for (const Resolution& resolution : data.card.resolutions) {
    ErrorCollector errors;
    for (const TrainSet& set : data.sets)
      if (resolution == Resolution{set.info.grid.nx, set.info.grid.ny}) add_errors(model, set, batch, errors);
    held_out.mean_l2 += errors.mean_l2() * static_cast<double>(errors.fields());
    fields += static_cast<double>(errors.fields());
    if (const auto calibration = errors.calibration(resolution))
      held_out.calibrations.push_back(*calibration);
  }
  held_out.mean_l2 /= fields;
  return held_out;
}

}  // namespace mano
