#pragma once
// Tensors to and from safetensors files. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <filesystem>

#include "surrogate/model_card.hpp"
#include "surrogate/multipole_model.hpp"
#include "surrogate/safetensors.hpp"

namespace mano {

StoredTensor store(const torch::Tensor& tensor);
torch::Tensor restore(const StoredTensor& stored);

/// Copies tensors named prefix + parameter name into the model. Throws InvalidInput, naming `where`, for a missing or
/// surplus tensor or another shape.
void load_parameters(MultipoleModel& model, const SafetensorsFile& file, const std::string& prefix,
                     const std::string& where);

void save_checkpoint(const std::filesystem::path& path, const MultipoleModel& model, const ModelCard& card);

}  // namespace mano
