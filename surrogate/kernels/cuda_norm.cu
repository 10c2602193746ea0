// Launching of surrogate/kernels/norm_tile.hpp.
#include "surrogate/kernels/cuda_norm.hpp"

#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime.h>

#include <algorithm>

#include "core/error.hpp"
#include "surrogate/kernels/cuda_status.hpp"
#include "surrogate/kernels/norm_tile.hpp"

namespace mano {

namespace {

using norm_tile::kThreads;

constexpr int kMostBlocks = 1024;

struct Block {
  __device__ int thread() const { return static_cast<int>(threadIdx.x); }
  __device__ int block() const { return static_cast<int>(blockIdx.x); }
  __device__ int blocks() const { return static_cast<int>(gridDim.x); }
  __device__ float exchange(float value, int reach) const { return __shfl_xor_sync(0xffffffffu, value, reach); }
  __device__ void barrier() const { __syncthreads(); }
};

template <int G, int n, bool two, typename X, typename Y>
__global__ void __launch_bounds__(kThreads) norm_forward(std::int64_t rows, const X* __restrict__ x, norm_tile::Weights w,
                                                         Y* __restrict__ y) {
  Block block;
  norm_tile::forward<G, n, two>(block, rows, x, w, y);
}

template <int G, int n, bool two, typename X, typename Y>
__global__ void __launch_bounds__(kThreads) norm_backward(std::int64_t rows, const X* __restrict__ x, norm_tile::Weights w,
                                                          const Y* __restrict__ d_y, X* __restrict__ d_x,
                                                          float* __restrict__ sums) {
  __shared__ float gathered[4 * G * n];
  Block block;
  norm_tile::backward<G, n, two>(block, gathered, rows, x, w, d_y, d_x, sums);
}

template <int lanes_, int numbers_>
struct Shape {
  static constexpr int lanes = lanes_, numbers = numbers_;
};

// call(shape) for rows of c numbers; false where there is no kernel.
template <typename Call>
bool with_shape(std::int64_t c, const Call& call) {
  switch (c) {
    case 16:
      call(Shape<4, 4>());
      return true;
    case 32:
      call(Shape<8, 4>());
      return true;
    case 48:
      call(Shape<4, 12>());
      return true;
    case 64:
      call(Shape<16, 4>());
      return true;
    case 96:
      call(Shape<8, 12>());
      return true;
    case 128:
      call(Shape<32, 4>());
      return true;
    case 256:
      call(Shape<32, 8>());
      return true;
    default:
      return false;
  }
}

template <typename Call>
void with_types(DeviceType x, DeviceType y, const Call& call) {
  const auto with = [&](auto a) { y == DeviceType::bfloat16 ? call(a, BFloat16()) : call(a, float()); };
  x == DeviceType::bfloat16 ? with(BFloat16()) : with(float());
}

template <typename Call>
void specialized(std::int64_t c, bool two, DeviceType x, DeviceType y, const Call& call) {
  const bool found = with_shape(c, [&](auto shape) {
    with_types(x, y, [&](auto a, auto b) {
      two ? call(shape, std::true_type(), a, b) : call(shape, std::false_type(), a, b);
    });
  });
  check(found, "a layer norm over {} numbers has no kernel for a GPU", c);
}

norm_tile::Weights of(const CudaNormWeights& w) {
  return {w.weight1, w.bias1, w.weight2, w.bias2};
}

}  // namespace

bool has_cuda_norm(std::int64_t c) {
  return with_shape(c, [](auto) {});
}

std::int64_t cuda_norm_blocks(std::int64_t rows, std::int64_t c) {
  std::int64_t rows_a_block = 1;
  with_shape(c, [&](auto shape) { rows_a_block = kThreads / decltype(shape)::lanes; });
  return std::min<std::int64_t>((rows + rows_a_block - 1) / rows_a_block, kMostBlocks);
}

void cuda_norm(std::int64_t rows, std::int64_t c, DeviceType x_type, const void* x, const CudaNormWeights& weights,
               DeviceType y_type, void* y) {
  if (rows == 0) return;
  specialized(c, weights.weight2 != nullptr, x_type, y_type, [&](auto shape, auto two, auto a, auto b) {
    using X = decltype(a);
    using Y = decltype(b);
    norm_forward<decltype(shape)::lanes, decltype(shape)::numbers, decltype(two)::value, X, Y>
        <<<static_cast<unsigned>(cuda_norm_blocks(rows, c)), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
            rows, static_cast<const X*>(x), of(weights), static_cast<Y*>(y));
  });
  check_device(cudaGetLastError());
}

void cuda_norm_backward(std::int64_t rows, std::int64_t c, DeviceType x_type, const void* x,
                        const CudaNormWeights& weights, DeviceType y_type, const void* d_y, void* d_x, float* sums) {
  if (rows == 0) return;
  specialized(c, weights.weight2 != nullptr, x_type, y_type, [&](auto shape, auto two, auto a, auto b) {
    using X = decltype(a);
    using Y = decltype(b);
    norm_backward<decltype(shape)::lanes, decltype(shape)::numbers, decltype(two)::value, X, Y>
        <<<static_cast<unsigned>(cuda_norm_blocks(rows, c)), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
            rows, static_cast<const X*>(x), of(weights), static_cast<const Y*>(d_y), static_cast<X*>(d_x), sums);
  });
  check_device(cudaGetLastError());
}

}  // namespace mano
