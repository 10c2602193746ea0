#pragma once
// Trained models and their networks as functions of the permeability and of parameters that the caller keeps, for programs that have Torch
// themselves (python/bindings/networks.cpp). Torch's own gradients pass through: by the permeability, by every parameter, of any order that
// the operators have (MANO's loops on the CPU have the first). Includes Torch; others include surrogate/surrogate.hpp.

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "surrogate/multigrid/model.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

/// Pressure [N, 1, H, W] in float64 of permeability [N, 1, H, W] on `grid`; `from` is a training resolution. Differentiable but for the
/// methods that solve (Method::exact_start and exact_interpolation).
torch::Tensor pressure_by(const SurrogateModel& model, Method method, const torch::Tensor& permeability,
                          const Grid& grid, const Resolution& from);

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// One network, as it is.
class DifferentiableNetwork {
 public:
  /// Fresh weights from `seed`. Throws InvalidInput for an architecture that cannot be.
  DifferentiableNetwork(const Architecture& architecture, std::uint64_t seed);
  /// A checkpoint's network, without the refinement: of pressures, displacements or classes. Throws InvalidInput where it cannot be read.
  explicit DifferentiableNetwork(const std::filesystem::path& model);

  const Architecture& architecture() const { return architecture_; }
  /// Those that it began with, under the names of the checkpoint.
  NamedTensors named_parameters() const { return network_->named_parameters(); }

  /// input [B, channels_in, H, W] -> [B, channels_out, H, W] by `parameters` in the order of named_parameters(), in their type and on their
  /// device. Throws InvalidInput for another shape, grids that the network cannot take, and as Network::use_parameters().
  torch::Tensor forward(const torch::Tensor& input, const std::vector<torch::Tensor>& parameters);

 private:
  Architecture architecture_;
  std::unique_ptr<Network> network_;
  std::mutex in_use_;
};

/// A whole model of steady flow: the network on its grid, the hierarchy of grids, the refinement, as often as the card says.
class DifferentiableModel {
 public:
  /// Throws as Surrogate's constructor.
  explicit DifferentiableModel(const std::filesystem::path& model);

  const ModelCard& card() const { return model_.card; }
  NamedTensors named_parameters() const;  ///< as in the checkpoint: the refinement's after "refinement."

  /// Pressures [N, H, W] in float64 of permeabilities [N, H, W] on the card's domain, of any resolution, by `parameters` in the order of
  /// named_parameters(). The networks run in the parameters' type, float32 or float64, and on their device. 0 marks inactive cells where the
  /// card takes them. Throws InvalidInput for permeabilities that are not finite and above zero elsewhere, for methods that are no function
  /// of the parameters, and as Network::use_parameters().
  torch::Tensor forward(const torch::Tensor& permeability, const std::vector<torch::Tensor>& parameters,
                        Method method);

 private:
  SurrogateModel model_;
  std::mutex in_use_;
};

}  // namespace mano
