#include "surrogate/multigrid/history_model.hpp"

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"

namespace mano {

using torch::Tensor;

namespace {

Tensor input_of(const SurrogateModel& model, const Tensor& permeability, const Tensor& guess,
                const Grid& grid) {
  return torch::cat({network_input(permeability.to(guess.dtype()), grid, model.card), guess}, 1);
}

HistoryTensors from_output(const SurrogateModel& model, const Tensor& output, const Tensor& guess) {
  const std::int64_t times = guess.size(1);
  return {guess + model.card.history->std_correction * output.slice(1, 0, times),
          denormalized(output.slice(1, times), model.card.normalization)};
}

}  // namespace

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
  const HistoryTensors coarse = history_direct(model, restricted(permeability, from, location), coarse_guess,
                                               with_resolution(grid, from));
  const auto carried = [&](const Tensor& values) {
    return interpolated(hidden(values, coarse_part), coarse_part, part, target, location, Ends{});
  };
  return {guess + carried(coarse.saturation - coarse_guess), carried(coarse.pressure)};
}

}  // namespace mano
