// Launching of surrogate/kernels/correction_tile.hpp.
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime.h>

#include "surrogate/kernels/correction_kernels.hpp"
#include "surrogate/kernels/correction_tile.hpp"
#include "surrogate/kernels/cuda_status.hpp"

namespace mano {

namespace {

using correction_tile::kThreads;

struct Block {
  double* numbers;
  __device__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ int block() const { return static_cast<int>(blockIdx.x); }
  __device__ double exchange(double value, int reach) const { return __shfl_xor_sync(0xffffffffu, value, reach); }
  __device__ void barrier() const { __syncthreads(); }
  __device__ double* shared() const { return numbers; }
};

__global__ void __launch_bounds__(kThreads) correction_residual(FivePoint e, const double* __restrict__ p,
                                                                double* __restrict__ residual) {
  Block block{nullptr};
  correction_tile::leave_residual(block, e, p, residual);
}

__global__ void __launch_bounds__(kThreads) correction_squares(FivePoint e, const double* __restrict__ p,
                                                               double* __restrict__ residual,
                                                               double* __restrict__ scratch) {
  __shared__ double numbers[correction_tile::kWarps];
  Block block{numbers};
  correction_tile::leave_residual_and_squares(block, e, p, residual, scratch);
}

__global__ void __launch_bounds__(kThreads)
    correction_input(FivePoint e, const double* __restrict__ shares, const double* __restrict__ residual,
                     const double* __restrict__ scratch, double* __restrict__ size, float* __restrict__ input) {
  __shared__ double numbers[correction_tile::kWarps];
  Block block{numbers};
  correction_tile::write_input(block, e, shares, residual, scratch, size, input);
}

template <typename S>
__global__ void __launch_bounds__(kThreads)
    correction_products(FivePoint e, const double* __restrict__ residual, Step step, const S* __restrict__ output,
                        double* __restrict__ scratch) {
  __shared__ double numbers[correction_tile::kWarps];
  Block block{numbers};
  correction_tile::leave_products(block, e, residual, step, output, scratch);
}

template <typename S>
__global__ void __launch_bounds__(kThreads)
    correction_add(FivePoint e, Step step, const S* __restrict__ output, const double* __restrict__ scratch,
                   double* __restrict__ p) {
  __shared__ double numbers[correction_tile::kWarps];
  Block block{numbers};
  correction_tile::add_step(block, e, step, output, scratch, p);
}

// launch(blocks, stream) unless there is nothing to do.
template <typename Launch>
void launch(const FivePoint& e, const Launch& how) {
  if (e.samples * e.cells() == 0) return;
  how(static_cast<unsigned>(e.samples * correction_tile::blocks(e)), c10::cuda::getCurrentCUDAStream().stream());
  check_device(cudaGetLastError());
}

}  // namespace

std::int64_t cuda_correction_scratch(const FivePoint& e) {
  return 2 * e.samples * correction_tile::blocks(e);
}

void cuda_residual_of(const FivePoint& e, const double* p, double* residual) {
  launch(e, [&](unsigned blocks, cudaStream_t stream) {
    correction_residual<<<blocks, kThreads, 0, stream>>>(e, p, residual);
  });
}

void cuda_ask_for_correction(const FivePoint& e, const double* shares, const double* p, double* residual, double* size,
                             float* input, double* scratch) {
  launch(e, [&](unsigned blocks, cudaStream_t stream) {
    correction_squares<<<blocks, kThreads, 0, stream>>>(e, p, residual, scratch);
    correction_input<<<blocks, kThreads, 0, stream>>>(e, shares, residual, scratch, size, input);
  });
}

template <typename S>
void cuda_add_step(const FivePoint& e, const double* residual, const Step& step, const S* output, double* p,
                   double* scratch) {
  launch(e, [&](unsigned blocks, cudaStream_t stream) {
    if (step.safe) correction_products<S><<<blocks, kThreads, 0, stream>>>(e, residual, step, output, scratch);
    correction_add<S><<<blocks, kThreads, 0, stream>>>(e, step, output, scratch, p);
  });
}

template void cuda_add_step(const FivePoint&, const double*, const Step&, const float*, double*, double*);
template void cuda_add_step(const FivePoint&, const double*, const Step&, const double*, double*, double*);

}  // namespace mano
