#pragma once
// A network from [B, channels_in, H, W] to [B, channels_out, H, W]: MANO or one of its rivals. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "surrogate/networks/architecture.hpp"

namespace mano {

enum class Precision {
  full,  ///< the weights' own: float32 or float64
  bfloat16  ///< operands of matrix products in bfloat16; sums, residual stream and gradients of weights in float32
};

class Network {
 public:
  virtual ~Network() = default;

  virtual torch::Tensor forward(const torch::Tensor& input, Precision precision = Precision::full) const = 0;

  /// Of a network with a head point by point (Architecture::point_width > 0), the halves of forward(): [B, channels_in, H, W] -> features
  /// [B, point_width, H, W], and from them and the inputs of the same grid, [B, channels_out, H, W] (point_head.hpp). point_features() of
  /// another network throws std::logic_error.
  virtual torch::Tensor point_features(const torch::Tensor& input,
                                       Precision precision = Precision::full) const;
  virtual torch::Tensor from_point_features(const torch::Tensor& features, const torch::Tensor& input) const;

  /// Parameters under the names of the reference implementation, always in the same order. The tensors are the network's.
  virtual std::vector<std::pair<std::string, torch::Tensor>> named_parameters() const = 0;

  /// Moves and converts all parameters; they stay leaves that require gradients.
  virtual void to(torch::Device device, torch::Dtype dtype) = 0;

  /// Weights that will not change from here on, until the next to() or use_parameters(): they require no gradients, and what is derived
  /// from them may be kept from one prediction to the next.
  virtual void freeze();

  /// Takes other tensors for its parameters, in the order of named_parameters(): gradients reach these. Throws InvalidInput for another
  /// number or shape, and where they are not all of one type, float32 or float64, and on one device.
  void use_parameters(const std::vector<torch::Tensor>& tensors);
  virtual torch::Dtype dtype() const = 0;

  std::vector<torch::Tensor> parameters() const;
  std::int64_t parameter_count() const;

 private:
  virtual void put_parameters(const std::vector<torch::Tensor>& tensors) = 0;
};

/// Fresh weights from `seed`; float32 on the CPU.
std::unique_ptr<Network> make_network(const Architecture& architecture, std::uint64_t seed);

}  // namespace mano
