#pragma once
// The network as a map from rock to a displacement in time (HistoryCard), by a first guess that somebody else brings. Private to
// surrogate/ and its tests.
//
//   S_t = clamp(G_t + s N_t(ln k, x, y, G_1 ... G_T, P)),   p_t = P + r N_{T + t}(...)
//
// G, P: first guess of the saturation at each time and of the pressure, one above the other [N, T + 1, H, W]
// (displacement/first_guess.hpp); the network reads (P - its mean) / std_pressure, and 0 in inactive cells. s, r: std_correction, std_pressure_correction. So
// the network learns what the guess leaves out, and where that is nothing the guess stands. Of older models, without P (r is empty), the
// guess is [N, T, H, W] and p_t = std_pressure N_{T + t} + mean_pressure.

#include <torch/types.h>

#include "surrogate/multigrid/history_guess.hpp"
#include "surrogate/multigrid/model.hpp"

namespace mano {

struct HistoryTensors {
  torch::Tensor saturation, pressure;  ///< [N, T, H, W]
};

/// [N, T + 1, H, W] float32; without the pressures where `with_pressure` is false.
torch::Tensor guess_tensor(const std::vector<HistoryGuess>& guesses, bool with_pressure = true);

/// The network on the grid as it is. `permeability` [N, 1, H, W], 0 in inactive cells where the card takes them. Differentiable; saturations
/// are not clamped.
HistoryTensors history_direct(const SurrogateModel& model, const torch::Tensor& permeability,
                              const torch::Tensor& first_guess, const Grid& grid,
                              Precision precision = Precision::full);

/// Saturations clamped to those of training, and 0 in inactive cells, as pressures are.
HistoryTensors bounded(const SurrogateModel& model, HistoryTensors history,
                       const torch::Tensor& permeability);

/// The network on grids of every s-th point laid into each other, each as coarse as `from` (SurrogateModel::interleaved).
HistoryTensors history_interleaved(const SurrogateModel& model, const torch::Tensor& permeability,
                                   const torch::Tensor& first_guess, const Grid& grid,
                                   const Resolution& from);

/// The network at `from` on rock and guess restricted to it. What it adds to the guess, and its pressures, are interpolated bilinearly;
/// the guess is that of the grid itself, so that fronts stay as sharp as it has them. A network with a head point by point interpolates
/// its features in place of its output, and the head reads rock and guess of the grid itself.
HistoryTensors history_interpolated(const SurrogateModel& model, const torch::Tensor& permeability,
                                    const torch::Tensor& first_guess, const Grid& grid,
                                    const Resolution& from);

}  // namespace mano
