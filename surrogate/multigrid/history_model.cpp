#include "surrogate/multigrid/history_model.hpp"

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/networks/point_head.hpp"

namespace mano {

using torch::Tensor;

namespace {

std::int64_t times_of(const SurrogateModel& model) {
  return static_cast<std::int64_t>(model.card.history->times.size());
}

Tensor saturation_in(const SurrogateModel& model, const Tensor& guess) {
  return guess.slice(1, 0, times_of(model));
}

Tensor pressure_in(const SurrogateModel& model, const Tensor& guess) {
  return guess.slice(1, times_of(model));
}

// Less its mean over the active cells: a constant added to a pressure changes no flow.
Tensor less_mean(const Tensor& values, const Tensor& part) {
  const std::vector<std::int64_t> space{2, 3};
  if (!part.defined()) return values - values.mean(space, true);
  const Tensor weight = part.to(values.dtype());
  return values - (values * weight).sum(space, true) / weight.sum(space, true);
}

Tensor input_of(const SurrogateModel& model, const Tensor& permeability, const Tensor& guess,
                const Grid& grid) {
  std::vector<Tensor> channels{network_input(permeability.to(guess.dtype()), grid, model.card),
                               saturation_in(model, guess)};
  if (model.card.history->std_pressure_correction) {
    const Normalization& n = model.card.normalization;
    const Tensor part = model.active_on(permeability, resolution_of(permeability));
    channels.push_back(hidden(less_mean(pressure_in(model, guess), part) / n.std_pressure, part));
  }
  return torch::cat(channels, 1);
}

HistoryTensors from_output(const SurrogateModel& model, const Tensor& output, const Tensor& guess) {
  const std::int64_t times = times_of(model);
  const HistoryCard& card = *model.card.history;
  const Tensor pressures = output.slice(1, times);
  return {saturation_in(model, guess) + card.std_correction * output.slice(1, 0, times),
          card.std_pressure_correction ? pressure_in(model, guess) + *card.std_pressure_correction * pressures
                                       : denormalized(pressures, model.card.normalization)};
}

}  // namespace

Tensor guess_tensor(const std::vector<HistoryGuess>& guesses, bool with_pressure) {
  std::vector<Tensor> samples;
  for (const HistoryGuess& guess : guesses) {
    samples.push_back(stack_values(guess.saturation).transpose(0, 1));
    if (with_pressure) samples.back() = torch::cat({samples.back(), stack_values({guess.pressure})}, 1);
  }
  return torch::cat(samples).contiguous();
}

HistoryTensors history_direct(const SurrogateModel& model, const Tensor& permeability, const Tensor& guess,
                              const Grid& grid, Precision precision) {
  return from_output(model, model.base->forward(input_of(model, permeability, guess, grid), precision),
                     guess);
}

HistoryTensors bounded(const SurrogateModel& model, HistoryTensors h, const Tensor& permeability) {
  const HistoryCard& card = *model.card.history;
  const Tensor part = model.active_on(permeability, resolution_of(permeability));
  return {hidden(h.saturation.clamp(card.least_saturation, card.most_saturation), part),
          hidden(h.pressure, part)};
}

HistoryTensors history_interleaved(const SurrogateModel& model, const Tensor& permeability,
                                   const Tensor& guess, const Grid& grid, const Resolution& from) {
  return from_output(model, interleaved_output(*model.base, input_of(model, permeability, guess, grid), from),
                     guess);
}

HistoryTensors history_interpolated(const SurrogateModel& model, const Tensor& permeability,
                                    const Tensor& guess, const Grid& grid, const Resolution& from) {
  const Resolution target{grid.nx, grid.ny};
  if (target == from) return history_direct(model, permeability, guess, grid);
  const Location location = model.card.location;
  const Tensor part = model.active_on(permeability, target),
               coarse_part = model.active_on(permeability, from);
  const Tensor coarse_guess = restricted(guess, part, from, location);
  const Tensor coarse_permeability = restricted(permeability, from, location);
  const Grid coarse_grid = with_resolution(grid, from);
  if (model.card.architecture.point_width > 0) {
    const Tensor features =
        model.base->point_features(input_of(model, coarse_permeability, coarse_guess, coarse_grid));
    const PointInterpolation carried(features, coarse_part, part, target);
    const Tensor input = input_of(model, permeability, guess, grid);
    const auto of_rows = [&](std::int64_t first, std::int64_t last) {
      return model.base->from_point_features(carried.rows(first, last), input.slice(2, first, last));
    };
    return from_output(model, PointHead::in_bands(input, of_rows), guess);
  }
  // Wells may lie in the corners, where going on linearly would overdo a correction.
  const auto carried = [&](const Tensor& values) {
    return interpolated(hidden(values, coarse_part), coarse_part, part, target, location, kConstantEnds);
  };
  const HistoryTensors coarse = history_direct(model, coarse_permeability, coarse_guess, coarse_grid);
  const Tensor saturation =
      saturation_in(model, guess) + carried(coarse.saturation - saturation_in(model, coarse_guess));
  if (!model.card.history->std_pressure_correction) return {saturation, carried(coarse.pressure)};
  return {saturation,
          pressure_in(model, guess) + carried(coarse.pressure - pressure_in(model, coarse_guess))};
}

}  // namespace mano
