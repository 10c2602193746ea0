#pragma once
// The network as a map from rock to a displacement in time (HistoryCard), by a first guess that somebody else brings. Private to
// surrogate/ and its tests.
//
//   S_t = clamp(G_t + s N_t(ln k, x, y, G_1 ... G_T)),   p_t = std_pressure N_{T + t}(...) + mean_pressure
//
// G: first guess of the saturation [N, T, H, W] (displacement/first_guess.hpp). s: std_correction. So the network learns what the guess
// leaves out, and where that is nothing the guess stands.

#include <torch/types.h>

#include "surrogate/multigrid/model.hpp"

namespace mano {

struct HistoryTensors {
  torch::Tensor saturation, pressure;  ///< [N, T, H, W]
};

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
/// the guess is that of the grid itself, so that fronts stay as sharp as it has them.
HistoryTensors history_interpolated(const SurrogateModel& model, const torch::Tensor& permeability,
                                    const torch::Tensor& first_guess, const Grid& grid,
                                    const Resolution& from);

}  // namespace mano
