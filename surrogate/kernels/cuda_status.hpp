#pragma once
// Errors of the CUDA runtime as exceptions. Private to the .cu files of this folder.

#include <cuda_runtime.h>

#include "core/error.hpp"

namespace mano {

inline void check_device(cudaError_t status) {
  if (status != cudaSuccess) throw RunFailed(fmt::format("CUDA: {}", cudaGetErrorString(status)));
}

}  // namespace mano
