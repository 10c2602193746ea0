// A few lanes of a warp take a row, four numbers a load, and keep it in registers; sums over a row are shuffles among them.
#include "surrogate/cuda_norm.hpp"

#include <c10/cuda/CUDAStream.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <algorithm>

#include "core/error.hpp"

namespace mano {

namespace {

constexpr int kThreads = 256;
constexpr float kEpsilon = 1e-5f;
constexpr int kMostBlocks = 1024;

__device__ inline float4 load4(const float* at) {
  return *reinterpret_cast<const float4*>(at);
}
__device__ inline float4 load4(const __nv_bfloat16* at) {
  const uint2 bits = *reinterpret_cast<const uint2*>(at);
  return {__uint_as_float(bits.x << 16), __uint_as_float(bits.x & 0xffff0000u), __uint_as_float(bits.y << 16),
          __uint_as_float(bits.y & 0xffff0000u)};
}
__device__ inline void store4(float* at, float4 v) {
  *reinterpret_cast<float4*>(at) = v;
}
__device__ inline void store4(__nv_bfloat16* at, float4 v) {
  const __nv_bfloat162 low = __floats2bfloat162_rn(v.x, v.y), high = __floats2bfloat162_rn(v.z, v.w);
  uint2 bits;
  bits.x = *reinterpret_cast<const unsigned*>(&low);
  bits.y = *reinterpret_cast<const unsigned*>(&high);
  *reinterpret_cast<uint2*>(at) = bits;
}

// n numbers of a row that one of G lanes holds: n / 4 loads, 4 G numbers apart.
template <int G, int n>
struct Part {
  float v[n];

  template <typename S>
  __device__ void load(const S* row, int lane) {
#pragma unroll
    for (int i = 0; i < n; i += 4) {
      const float4 four = load4(row + i * G + 4 * lane);
      v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
    }
  }
  template <typename S>
  __device__ void store(S* row, int lane) const {
#pragma unroll
    for (int i = 0; i < n; i += 4) store4(row + i * G + 4 * lane, {v[i], v[i + 1], v[i + 2], v[i + 3]});
  }
};

template <int G>
__device__ inline float sum_of_lanes(float x) {
#pragma unroll
  for (int reach = G / 2; reach > 0; reach /= 2) x += __shfl_xor_sync(0xffffffffu, x, reach);
  return x;
}

// x becomes (x - mean) * scale; returns scale.
template <int G, int n>
__device__ inline float normalize(Part<G, n>& x) {
  float sum = 0;
#pragma unroll
  for (int i = 0; i < n; ++i) sum += x.v[i];
  const float mean = sum_of_lanes<G>(sum) / (n * G);
  float squares = 0;
#pragma unroll
  for (int i = 0; i < n; ++i) {
    x.v[i] -= mean;
    squares += x.v[i] * x.v[i];
  }
  const float scale = rsqrtf(sum_of_lanes<G>(squares) / (n * G) + kEpsilon);
#pragma unroll
  for (int i = 0; i < n; ++i) x.v[i] *= scale;
  return scale;
}

// Of the gradient d of g, g = normalized value, that of what was normalized.
template <int G, int n>
__device__ inline void back_through(Part<G, n>& d, const Part<G, n>& normalized, float scale) {
  float sum = 0, product = 0;
#pragma unroll
  for (int i = 0; i < n; ++i) {
    sum += d.v[i];
    product += d.v[i] * normalized.v[i];
  }
  const float mean = sum_of_lanes<G>(sum) / (n * G);
  const float share = sum_of_lanes<G>(product) / (n * G);
#pragma unroll
  for (int i = 0; i < n; ++i) d.v[i] = scale * (d.v[i] - mean - normalized.v[i] * share);
}

template <int G, int n, bool two, typename X, typename Y>
__global__ void __launch_bounds__(kThreads) norm_forward(long rows, const X* __restrict__ x, CudaNormWeights w,
                                                         Y* __restrict__ y) {
  constexpr int C = G * n;
  const int lane = static_cast<int>(threadIdx.x) % G;
  Part<G, n> g1, b1, g2, b2;
  g1.load(w.weight1, lane);
  b1.load(w.bias1, lane);
  if (two) {
    g2.load(w.weight2, lane);
    b2.load(w.bias2, lane);
  }
  const long step = static_cast<long>(gridDim.x) * (kThreads / G);
  const long first = static_cast<long>(blockIdx.x) * (kThreads / G) + threadIdx.x / G;
  // All lanes of a warp go round as often: they shuffle together.
  const long rounds = (rows + step - 1) / step;
  for (long round = 0; round < rounds; ++round) {
    const long row = first + round * step;
    const bool inside = row < rows;
    Part<G, n> part;
    part.load(x + (inside ? row : rows - 1) * C, lane);
    normalize(part);
#pragma unroll
    for (int i = 0; i < n; ++i) part.v[i] = part.v[i] * g1.v[i] + b1.v[i];
    if (two) {
      normalize(part);
#pragma unroll
      for (int i = 0; i < n; ++i) part.v[i] = part.v[i] * g2.v[i] + b2.v[i];
    }
    if (inside) part.store(y + row * C, lane);
  }
}

template <int G, int n, bool two, typename X, typename Y>
__global__ void __launch_bounds__(kThreads) norm_backward(long rows, const X* __restrict__ x, CudaNormWeights w,
                                                          const Y* __restrict__ d_y, X* __restrict__ d_x,
                                                          float* __restrict__ sums) {
  constexpr int C = G * n;
  __shared__ float gathered[4 * C];
  const int lane = static_cast<int>(threadIdx.x) % G;
  Part<G, n> g1, b1, g2;
  g1.load(w.weight1, lane);
  b1.load(w.bias1, lane);
  if (two) g2.load(w.weight2, lane);
  float total[two ? 4 : 2][n] = {};
  const long step = static_cast<long>(gridDim.x) * (kThreads / G);
  const long first = static_cast<long>(blockIdx.x) * (kThreads / G) + threadIdx.x / G;
  const long rounds = (rows + step - 1) / step;
  for (long round = 0; round < rounds; ++round) {
    const long row = first + round * step;
    const bool inside = row < rows;
    const long at = (inside ? row : rows - 1) * C;
    Part<G, n> u, d;
    u.load(x + at, lane);
    d.load(d_y + at, lane);
    if (!inside) {
#pragma unroll
      for (int i = 0; i < n; ++i) d.v[i] = 0;
    }
    const float scale1 = normalize(u);
    if (two) {
      Part<G, n> a;
#pragma unroll
      for (int i = 0; i < n; ++i) a.v[i] = u.v[i] * g1.v[i] + b1.v[i];
      const float scale2 = normalize(a);
#pragma unroll
      for (int i = 0; i < n; ++i) {
        total[two ? 2 : 0][i] += d.v[i] * a.v[i];
        total[two ? 3 : 0][i] += d.v[i];
        d.v[i] *= g2.v[i];
      }
      back_through(d, a, scale2);
    }
#pragma unroll
    for (int i = 0; i < n; ++i) {
      total[0][i] += d.v[i] * u.v[i];
      total[1][i] += d.v[i];
      d.v[i] *= g1.v[i];
    }
    back_through(d, u, scale1);
    if (inside) d.store(d_x + at, lane);
  }
  // The groups of a block one after the other, always in the same order.
  for (int group = 0; group < kThreads / G; ++group) {
    if (threadIdx.x / G == group) {
#pragma unroll
      for (int k = 0; k < (two ? 4 : 2); ++k) {
#pragma unroll
        for (int i = 0; i < n; ++i) {
          float& to = gathered[k * C + i / 4 * 4 * G + 4 * lane + i % 4];
          to = group == 0 ? total[k][i] : to + total[k][i];
        }
      }
    }
    __syncthreads();
  }
  for (int i = static_cast<int>(threadIdx.x); i < 4 * C; i += kThreads)
    sums[static_cast<long>(blockIdx.x) * 4 * C + i] = i < (two ? 4 : 2) * C ? gathered[i] : 0.0f;
}

void check_device(cudaError_t status) {
  if (status != cudaSuccess) throw RunFailed(fmt::format("CUDA: {}", cudaGetErrorString(status)));
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
  const auto with = [&](auto a) { y == DeviceType::bfloat16 ? call(a, __nv_bfloat16()) : call(a, float()); };
  x == DeviceType::bfloat16 ? with(__nv_bfloat16()) : with(float());
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
            rows, static_cast<const X*>(x), weights, static_cast<Y*>(y));
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
            rows, static_cast<const X*>(x), weights, static_cast<const Y*>(d_y), static_cast<X*>(d_x), sums);
  });
  check_device(cudaGetLastError());
}

}  // namespace mano
