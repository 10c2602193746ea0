#pragma once
// Layer norms over short rows on a CUDA device, one or two in a row. PyTorch's kernels give a row of 32 numbers a block of threads; they
// took half of a training step's time. Private to surrogate/ and its tests. surrogate/kernels/cuda_norm.cu where CUDA is built, else
// surrogate/kernels/no_cuda.cpp, which throws.
//
//   y = w g2 + b2,   w = (a - mean a) / sqrt(var a + eps),   a = u g1 + b1,   u = (x - mean x) / sqrt(var x + eps)
//
// or y = a alone. Mean and variance of a row of C numbers, eps = 1e-5.

#include <cstdint>

#include "surrogate/kernels/cuda_attention.hpp"

namespace mano {

/// Whether there is a kernel for rows of c numbers.
bool has_cuda_norm(std::int64_t c);

/// Weight and bias of the norms, [C] float32; the second's null where there is one norm.
struct CudaNormWeights {
  const float* weight1;
  const float* bias1;
  const float* weight2 = nullptr;
  const float* bias2 = nullptr;
};

/// x [rows, C] -> y [rows, C], without gaps and aligned to 16 bytes, on Torch's current stream. Throws InvalidInput for a C without a
/// kernel, RunFailed for an error of the device, MissingPart where CUDA was not built.
void cuda_norm(std::int64_t rows, std::int64_t c, DeviceType x_type, const void* x,
               const CudaNormWeights& weights, DeviceType y_type, void* y);

/// Rows of `sums` that cuda_norm_backward() writes.
std::int64_t cuda_norm_blocks(std::int64_t rows, std::int64_t c);

/// d_x from d_y; and in sums [blocks, 4, C], to be added up over the blocks, the gradients of weight1, bias1, weight2, bias2. The same
/// bits at every call.
void cuda_norm_backward(std::int64_t rows, std::int64_t c, DeviceType x_type, const void* x,
                        const CudaNormWeights& weights, DeviceType y_type, const void* d_y, void* d_x,
                        float* sums);

}  // namespace mano
