#pragma once
// Tensors to and from safetensors files. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <filesystem>

#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/multigrid/model.hpp"

namespace mano {

StoredTensor store(const torch::Tensor& tensor);
torch::Tensor restore(const StoredTensor& stored);

/// Copies tensors named prefix + parameter name into the network. Throws InvalidInput, naming `where`, for a missing tensor or
/// another shape.
void load_parameters(Network& network, const SafetensorsFile& file, const std::string& prefix,
                     const std::string& where);

/// The base network's parameters under their own names, the refinement's after "refinement.".
void save_checkpoint(const std::filesystem::path& path, const SurrogateModel& model);
/// On the CPU. Throws InvalidInput for a file that is missing, truncated, of another schema version or architecture.
SurrogateModel load_checkpoint(const std::filesystem::path& path);

}  // namespace mano
