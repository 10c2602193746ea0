#pragma once
// Where tensors live: the CPU, or the GPU of this process. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <optional>
#include <string>

namespace mano {

/// "auto", "cpu" or "cuda" to a device, which becomes the current one: of several GPUs the one of this process's local rank. Throws
/// InvalidInput where CUDA is asked for and absent.
torch::Device device_from(const std::string& name);

/// The number in an environment variable; empty where it is not set. Throws InvalidInput for what is no number.
std::optional<int> number_from_environment(const char* name);

/// Number of this process among those of its machine, by LOCAL_RANK or OMPI_COMM_WORLD_LOCAL_RANK; 0 without. Throws InvalidInput
/// where that is no number.
int local_rank();

}  // namespace mano
