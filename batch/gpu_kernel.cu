// A block of threads draws, solves and checks one sample after another: batch/two_phase.hpp and batch/solve.hpp between barriers.
#include "batch/gpu_kernel.hpp"

namespace mano::batch {

namespace {

class Warp {
 public:
  template <typename Body>
  __device__ void each(int n, const Body& body) {
    for (int i = static_cast<int>(threadIdx.x); i < n; i += 32) body(i);
    __syncwarp();
  }
};

class Block {
 public:
  __device__ explicit Block(double* parts) : parts_(parts) {}

  template <typename Body>
  __device__ void each(int n, const Body& body) {
    for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) body(i);
    __syncthreads();
  }

  template <typename Term>
  __device__ double sum(int n, const Term& term) {
    double part = 0;
    for (int i = static_cast<int>(threadIdx.x); i < n; i += static_cast<int>(blockDim.x)) part += term(i);
    for (int reach = 16; reach > 0; reach /= 2) part += __shfl_down_sync(0xffffffffu, part, reach);
    if (threadIdx.x % 32 == 0) parts_[threadIdx.x / 32] = part;
    __syncthreads();
    double total = 0;
    for (int warp = 0; warp < static_cast<int>(blockDim.x) / 32; ++warp) total += parts_[warp];
    __syncthreads();
    return total;
  }

  template <typename Body>
  __device__ void in_one_warp(const Body& body) {
    if (threadIdx.x < 32) {
      Warp warp;
      body(warp);
    }
    __syncthreads();
  }

 private:
  double* parts_;
};

// `most`: of threads a block; more leave fewer registers to each.
template <bool in_shared, int most>
__global__ void __launch_bounds__(most, 1) make_samples(const __grid_constant__ Plan plan, const __grid_constant__ Arguments a) {
  extern __shared__ __align__(16) unsigned char shared[];
  __shared__ double parts[most / 32];
  Block block(parts);
  const long fast_bytes = (plan.fast_bytes<float>() + 15) / 16 * 16;
  double* fast = reinterpret_cast<double*>(in_shared ? shared : a.fast + blockIdx.x * fast_bytes);
  const Memory<float> memory{fast, reinterpret_cast<float*>(fast + plan.fast_doubles),
                             a.slow + static_cast<long>(blockIdx.x) * plan.slow_doubles};
  const long cells = static_cast<long>(plan.nx) * plan.ny;
  for (int sample = static_cast<int>(blockIdx.x); sample < a.samples; sample += static_cast<int>(gridDim.x)) {
    double* k = a.permeability + sample * cells;
    if (a.draw)
      draw_two_phase(block, plan, a.field, a.first + sample, a.cosines_x, a.cosines_y, memory.slow,
                     memory.slow + cells, k);
    const Outcome outcome = solve(block, plan, k, memory, a.tolerance, a.pressure + sample * cells);
    if (threadIdx.x == 0) a.outcomes[sample] = outcome;
  }
}

}  // namespace

using Kernel = void (*)(Plan, Arguments);

Kernel kernel_of(const Shape& s) {
  if (s.few_registers) return s.in_shared ? make_samples<true, 1024> : make_samples<false, 1024>;
  return s.in_shared ? make_samples<true, 512> : make_samples<false, 512>;
}

cudaError_t resident_blocks(const Shape& s, int& blocks) {
  const Kernel kernel = kernel_of(s);
  const std::size_t bytes = s.in_shared ? s.shared_bytes : 0;
  const cudaError_t status =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  if (status != cudaSuccess) return status;
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, s.threads, bytes);
}

cudaError_t launch(const Shape& s, int blocks, cudaStream_t stream, const Plan& plan, const Arguments& arguments) {
  kernel_of(s)<<<blocks, s.threads, s.in_shared ? s.shared_bytes : 0, stream>>>(plan, arguments);
  return cudaGetLastError();
}

}  // namespace mano::batch
