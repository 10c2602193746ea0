#pragma once
// The one kernel of batch/, seen from the host: batch/gpu_kernel.cu.

#include "batch/plan.hpp"
#include "batch/solve.hpp"
#include "batch/two_phase.hpp"

// Behind Random123, which takes its macros for a GPU compiler.
#include <cuda_runtime.h>

namespace mano::batch {

inline constexpr int kMostThreadsOfABlock = 1024;

/// All pointers lead to the device's memory.
struct Arguments {
  double tolerance;
  std::uint64_t first;
  int samples;
  bool draw;
  TwoPhase field;
  const double* cosines_x;
  const double* cosines_y;
  double* permeability;  // [samples, ny, nx]
  double* pressure;
  Outcome* outcomes;
  double* slow;         // Plan::slow_doubles a block
  unsigned char* fast;  // Plan::fast_bytes a block, where not in shared memory
};

struct Shape {
  bool in_shared = true;       ///< fast memory in shared memory, else in Arguments::fast
  bool few_registers = false;  ///< 64 a thread, else up to 128
  int threads = 128;           ///< of a block; above 512 with few registers alone
  std::size_t shared_bytes = 0;
};

/// Blocks that are resident on one multiprocessor at once. The shared memory is made available first.
cudaError_t resident_blocks(const Shape& shape, int& blocks);

cudaError_t launch(const Shape& shape, int blocks, cudaStream_t stream, const Plan& plan,
                   const Arguments& arguments);

}  // namespace mano::batch
