#include "surrogate/training/held_out.hpp"

#include <algorithm>
#include <limits>

#include "core/norms.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/history_model.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/trust/calibration.hpp"

namespace mano {

namespace {

// visit(their permeability on the model's device, their numbers on the data's) for the held-out samples of a set, at most `most` of
// them, a batch at a time.
template <typename Visit>
void for_held_out(const SurrogateModel& model, const TrainSet& set, int batch, std::int64_t most,
                  const Visit& visit) {
  const auto samples = torch::tensor(set.split.validation, torch::kLong).slice(0, 0, most);
  for (std::int64_t at = 0; at < samples.size(0); at += batch) {
    const auto some = samples.slice(0, at, at + batch).to(set.permeability.device());
    visit(take(set.permeability, some, model.device), some);
  }
}

constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();

void add_errors(const SurrogateModel& model, const TrainSet& set, int batch, ErrorCollector& errors) {
  const Grid& grid = set.info.grid;
  for_held_out(model, set, batch, kAll, [&](const torch::Tensor& permeability, const torch::Tensor& some) {
    const auto prediction = model.by_multigrid(permeability, grid, {grid.nx, grid.ny});
    const auto pressure = set.pressure.index_select(0, some);
    for (std::int64_t s = 0; s < some.size(0); ++s)
      errors.add(field_of(prediction, s, grid), field_of(pressure, s, grid),
                 mask_of_rock(field_of(permeability, s, grid)));
  });
}

// The fields of all times [T, H, W] one above the other, as one field.
Field stacked_field(const torch::Tensor& values, const Grid& grid) {
  const auto times = static_cast<int>(values.size(0));
  return field_of(values.reshape({1, 1, times * grid.ny, grid.nx}), 0,
                  {grid.nx, times * grid.ny, grid.lx, times * grid.ly});
}

void add_history_errors(const SurrogateModel& model, const TrainSet& set, int batch, ErrorCollector& errors) {
  const Grid& grid = set.info.grid;
  for_held_out(model, set, batch, kAll, [&](const torch::Tensor& permeability, const torch::Tensor& some) {
    const auto guess = take(set.first_guess, some, model.device);
    const auto predicted =
        bounded(model, history_direct(model, permeability, guess, grid), permeability).saturation;
    const auto saturation = set.saturation.index_select(0, some);
    for (std::int64_t s = 0; s < some.size(0); ++s)
      errors.add(stacked_field(predicted[s], grid), stacked_field(saturation[s], grid),
                 mask_of_rock(stacked_field(permeability[s].expand_as(predicted[s]), grid)));
  });
}

constexpr int kRecordedCycles = 8;
constexpr std::int64_t kFieldsPerSet = 64;  // whose errors after every number of cycles are recorded

}  // namespace

std::vector<double> cycle_errors(SurrogateModel& model, const TrainData& data, int batch) {
  const torch::InferenceMode inference;
  ModelCard& card = model.card;
  const int own = card.cycles, most = std::min(card.most_cycles(), std::max(own, kRecordedCycles));
  std::vector<double> sums(static_cast<std::size_t>(most) + 1, 0.0);
  double fields = 0.0;
  for (const TrainSet& set : data.sets) {
    const Grid& grid = set.info.grid;
    for_held_out(model, set, batch, kFieldsPerSet,
                 [&](const torch::Tensor& permeability, const torch::Tensor& some) {
                   const auto pressure = set.pressure.index_select(0, some);
                   const auto add = [&](int cycles, const torch::Tensor& prediction) {
                     for (std::int64_t s = 0; s < some.size(0); ++s)
                       sums[static_cast<std::size_t>(cycles)] +=
                           relative_l2(field_of(prediction, s, grid), field_of(pressure, s, grid));
                   };
                   card.cycles = 0;
                   add(0, model.by_multigrid(permeability, grid, {grid.nx, grid.ny}));
                   card.cycles = most;
                   if (most > 0)
                     model.by_multigrid(permeability, grid, {grid.nx, grid.ny}, {.after_cycle = add});
                   fields += static_cast<double>(some.size(0));
                 });
  }
  card.cycles = own;
  for (double& sum : sums) sum /= fields;
  return sums;
}

double held_out_accuracy(const SurrogateModel& model, const TrainData& data, int batch) {
  const torch::InferenceMode inference;
  const auto& classes = model.card.classes;
  double right = 0.0, fields = 0.0;
  for (const TrainSet& set : data.sets) {
    const auto own = std::find(classes.begin(), classes.end(), set.info.field) - classes.begin();
    for_held_out(model, set, batch, kAll, [&](const torch::Tensor& permeability, const torch::Tensor& some) {
      const auto logits = model.class_logits(permeability, set.info.grid, Precision::full);
      right += logits.argmax(1).eq(own).sum().item<double>();
      fields += static_cast<double>(some.size(0));
    });
  }
  return right / fields;
}

namespace {

template <typename AddErrors>
HeldOut by_resolution(const SurrogateModel& model, const TrainData& data, int batch, AddErrors add_errors) {
  const torch::InferenceMode inference;
  HeldOut held_out;
  double fields = 0.0;
  for (const Resolution& resolution : data.card.resolutions) {
    ErrorCollector errors;
    for (const TrainSet& set : data.sets)
      if (resolution == Resolution{set.info.grid.nx, set.info.grid.ny}) add_errors(model, set, batch, errors);
    if (errors.fields() == 0) continue;  // all rocks of this resolution are trained on at another one
    held_out.mean_l2 += errors.mean_l2() * static_cast<double>(errors.fields());
    fields += static_cast<double>(errors.fields());
    if (const auto calibration = errors.calibration(resolution))
      held_out.calibrations.push_back(*calibration);
  }
  held_out.mean_l2 /= fields;
  return held_out;
}

}  // namespace

HeldOut held_out_errors(const SurrogateModel& model, const TrainData& data, int batch) {
  return by_resolution(model, data, batch, add_errors);
}

HeldOut held_out_history_errors(const SurrogateModel& model, const TrainData& data, int batch) {
  return by_resolution(model, data, batch, add_history_errors);
}

}  // namespace mano
