#pragma once
// Overlapping-window attention on a CUDA device. Private to surrogate/ and its tests. surrogate/kernels/cuda_attention.cu where CUDA
// is built, else surrogate/kernels/no_cuda.cpp, which throws.

#include <string>

#include "surrogate/kernels/attention_shape.hpp"

namespace mano {

enum class DeviceType { float32, bfloat16 };

/// qkv [B, H, W, 3, h, d] -> out [B, H, W, h, d], in device memory without gaps, on Torch's current stream. The current device
/// must be the one whose memory it is: nothing looks, for asking costs a good part of a launch. Sums in float32; the same bits
/// at every call. Nothing is launched where B is 0. Throws InvalidInput for a window other than 2, 3 or 4, a d other than 8, 16,
/// 32 or 64, what needs more shared memory than the device has (window 4 with d = 64 in float32 before an H100), 2^31 tiles
/// of 16 x 8 tokens or 2^31 tokens an image; RunFailed for an error of the device, MissingPart where CUDA was not built.
void cuda_attention(const AttentionShape& shape, DeviceType type, const void* qkv, void* out);

/// Numbers of float32 scratch that the gradient needs.
long long cuda_attention_scratch(const AttentionShape& shape);

/// d_qkv, all of it set, from d_out.
void cuda_attention_backward(const AttentionShape& shape, DeviceType type, const void* qkv, const void* d_out,
                             void* d_qkv, float* scratch);

/// Of the current device.
std::string gpu_name();
/// Bytes that the device can still give, Torch's cache not counted.
double gpu_free_memory();

}  // namespace mano
