#pragma once
// The multigrid surrogate (docs/mano.md): a base network at the resolution it was trained at, interpolation from level to level of
// a hierarchy of grids, and a refinement on every level. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "core/resample.hpp"
#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/multigrid/darcy_operator.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

/// What stands in for a network on the way up, for comparison.
struct MultigridOptions {
  bool exact_start = false;  ///< the exact solution at the training resolution in place of the base network's
  bool zero_start =
      false;             ///< zero in its place, then as many correction steps as where a later cycle begins
  int jacobi_steps = 0;  ///< damped Jacobi in place of the refinement, where above zero
  /// Sees the pressure on the last grid after each cycle, from 1 on.
  std::function<void(int cycle, const torch::Tensor& pressure)> after_cycle;
};

/// `network` on every s-th point of `input` [N, C, H, W] in each direction, laid into each other, where s is the whole number that brings
/// these grids nearest to `own`: [N, channels_out, H, W].
torch::Tensor interleaved_output(const Network& network, const torch::Tensor& input, const Resolution& own);

struct SurrogateModel {
  ModelCard card;
  std::unique_ptr<Network> base;
  std::unique_ptr<Network> refinement;  ///< null: interpolation alone
  torch::Device device = torch::kCPU;

  void to(torch::Device device);
  void freeze();  ///< Network::freeze() of both

  // permeability [N, 1, H, W] on `grid` -> pressure [N, 1, H, W] in float64, on the model's device. Where the card takes inactive cells,
  // permeability 0 marks them, and pressure is 0 there.

  /// The base network on the grid as it is: the published behaviour.
  torch::Tensor direct(const torch::Tensor& permeability, const Grid& grid,
                       Precision precision = Precision::full) const;
  /// Of a classifier (ModelCard::classes): the logarithms of the classes' odds up to a constant, [N, classes]; the mean over the grid of
  /// the network's output. Differentiable.
  torch::Tensor class_logits(const torch::Tensor& permeability, const Grid& grid, Precision precision) const;
  // `from` is a training resolution.

  /// The base network on grids of every s-th point in each direction, laid into each other, where s is the whole number that brings them
  /// nearest to its grid for `from`. So its windows and convolutions span the lengths that they were trained at, at the same cost a
  /// point. Where s = 1, direct().
  torch::Tensor interleaved(const torch::Tensor& permeability, const Grid& grid,
                            const Resolution& from) const;

  /// by_multigrid() at `from` on the restricted permeability, interpolated bilinearly in one step.
  torch::Tensor by_interpolation(const torch::Tensor& permeability, const Grid& grid, const Resolution& from,
                                 const MultigridOptions& options = {}) const;
  /// The base network on its grid for `from`, up the hierarchy, refined on each level, and before the first where the card says so; then
  /// the hierarchy again for the equation's residual, as often as the card says. No cycle: the network's prediction, interpolated from
  /// grid to grid.
  torch::Tensor by_multigrid(const torch::Tensor& permeability, const Grid& grid, const Resolution& from,
                             const MultigridOptions& options = {}) const;
  /// `pressure` refined `steps` times; as it is where the grid is too small for the refinement.
  torch::Tensor refine(const DarcyOperator& darcy, const torch::Tensor& pressure, int steps) const;

  /// With mean zero, where the problem leaves the pressure free up to a constant.
  torch::Tensor pinned(const torch::Tensor& pressure, const torch::Tensor& part = {}) const;

  /// What is active of the cells of another grid; undefined where the card does not take inactive cells.
  torch::Tensor active_on(const torch::Tensor& permeability, const Resolution& grid) const;

  /// How pressures go on to the boundary, and how their errors do: to zero where the pressure is prescribed.
  Ends ends() const;
  Ends ends_of_error() const;
};

inline constexpr const char* kRefinementPrefix = "refinement.";
/// The base network's parameters under their own names, the refinement's after kRefinementPrefix.
void save_checkpoint(const std::filesystem::path& path, const SurrogateModel& model);
/// On the CPU. Throws InvalidInput for a file that is missing, truncated, of another schema version or architecture.
SurrogateModel load_checkpoint(const std::filesystem::path& path);

}  // namespace mano
