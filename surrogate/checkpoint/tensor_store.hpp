#pragma once
// Tensors to and from safetensors files. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <string>

#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

StoredTensor store(const torch::Tensor& tensor);
torch::Tensor restore(const StoredTensor& stored);

/// Copies tensors named prefix + parameter name into the network. Throws InvalidInput, naming `where`, for a missing tensor or
/// another shape.
void load_parameters(Network& network, const SafetensorsFile& file, const std::string& prefix,
                     const std::string& where);

}  // namespace mano
