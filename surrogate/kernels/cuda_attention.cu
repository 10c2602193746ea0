// Launching of surrogate/kernels/attention_tile.hpp.
#include "surrogate/kernels/cuda_attention.hpp"

#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime.h>

#include <limits>

#include "core/error.hpp"
#include "surrogate/kernels/attention_tile.hpp"
#include "surrogate/kernels/cuda_status.hpp"

namespace mano {

namespace {

using namespace tile;

// Of a multiprocessor at once: what shared memory allows at K = 2, d = 32, and leaves 128 registers a thread, or 255.
template <int K>
constexpr int kBlocks = K == 2 ? 4 : 2;

// What a thread finds: the two halos of its block's shared memory, the block's tile, its own number.
template <typename S>
struct Block {
  S *first, *second;
  Place place;
  int thread;
};
template <typename S, int D, int K>
__device__ Block<S> block_of(const AttentionShape& s) {
  extern __shared__ __align__(16) unsigned char memory[];
  S* first = reinterpret_cast<S*>(memory);
  return {first, first + kHaloTokens<K> * kSharedStep<S, D>, place_of(s, blockIdx.x), static_cast<int>(threadIdx.x)};
}

template <typename S, int D, int K, bool stride_one>
__global__ void __launch_bounds__(kThreads, kBlocks<K>) forward(AttentionShape s, const S* __restrict__ qkv, S* __restrict__ out) {
  const auto [k, v, p, thread] = block_of<S, D, K>(s);
  const int inner = s.heads * D;
  load_halo<S, D, K>(s, p, thread, qkv, 3 * inner, inner + p.head * D, k);
  load_halo<S, D, K>(s, p, thread, qkv, 3 * inner, 2 * inner + p.head * D, v);
  __syncthreads();
  attend<S, D, K, stride_one>(s, p, thread, qkv, k, v, out);
}

template <typename S, int D, int K, bool stride_one>
__global__ void __launch_bounds__(kThreads, kBlocks<K>) backward_queries(AttentionShape s, const S* __restrict__ qkv,
                                                             const S* __restrict__ d_out, S* __restrict__ d_qkv,
                                                             float* __restrict__ coefficients) {
  const auto [k, v, p, thread] = block_of<S, D, K>(s);
  const int inner = s.heads * D;
  load_halo<S, D, K>(s, p, thread, qkv, 3 * inner, inner + p.head * D, k);
  load_halo<S, D, K>(s, p, thread, qkv, 3 * inner, 2 * inner + p.head * D, v);
  __syncthreads();
  attend_backward<S, D, K, stride_one>(s, p, thread, qkv, d_out, k, v, d_qkv, coefficients);
}

template <typename S, int D, int K>
__global__ void __launch_bounds__(kThreads, kBlocks<K>) backward_keys(AttentionShape s, const S* __restrict__ qkv,
                                                          const S* __restrict__ d_out, S* __restrict__ d_qkv,
                                                          const float* __restrict__ coefficients) {
  const auto [q, g, p, thread] = block_of<S, D, K>(s);
  const int inner = s.heads * D;
  load_halo<S, D, K>(s, p, thread, qkv, 3 * inner, p.head * D, q);
  load_halo<S, D, K>(s, p, thread, d_out, inner, p.head * D, g);
  __syncthreads();
  gather_backward<S, D, K>(s, p, thread, coefficients, q, g, d_qkv);
}

// Shared memory that a kernel gets without asking.
constexpr int kSharedUnasked = 48 * 1024;

template <typename Kernel, typename... Arguments>
void launch(Kernel kernel, int shared_bytes, const AttentionShape& s, Arguments... arguments) {
  const std::int64_t blocks = block_count(s), image_tokens = static_cast<std::int64_t>(s.height) * s.width;
  if (blocks == 0) return;
  constexpr std::int64_t most_numbers = std::numeric_limits<std::int32_t>::max();
  check(blocks <= most_numbers, "{} tiles of attention; a GPU takes 2^31 - 1 at once: use a smaller batch", blocks);
  check(image_tokens <= most_numbers, "{} tokens an image; attention on a GPU takes 2^31 - 1: use a coarser grid",
        image_tokens);
  int device = 0, most = 0;
  check_device(cudaGetDevice(&device));
  check_device(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  check(shared_bytes <= most,
        "window {} and dim-head {} need {} bytes of a GPU's shared memory a block, this one has {}: use smaller ones, or "
        "bfloat16",
        s.window, s.dim_head, shared_bytes, most);
  if (shared_bytes > kSharedUnasked)
    check_device(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
  kernel<<<static_cast<unsigned>(blocks), kThreads, shared_bytes, c10::cuda::getCurrentCUDAStream()>>>(s, arguments...);
  check_device(cudaGetLastError());
}

// Kernels for a stride known to be 1 exist for the window of all presets.
template <int K>
bool stride_is_one(const AttentionShape& s) {
  return K == 2 && s.stride == 1;
}

template <int n>
struct Constant {
  static constexpr int value = n;
};

// call(type, d, window) for what has a kernel.
template <typename Call>
void specialized(const AttentionShape& s, DeviceType type, Call call) {
  const auto with_window = [&](auto number, auto d) {
    switch (s.window) {
      case 2:
        return call(number, d, Constant<2>());
#ifndef MANO_KERNELS_OF_WINDOW_2  // scripts/check-kernels compiles these alone
      case 3:
        return call(number, d, Constant<3>());
      case 4:
        return call(number, d, Constant<4>());
#endif
      default:
        throw InvalidInput(fmt::format("window is {}; on a GPU it must be 2, 3 or 4", s.window));
    }
  };
  const auto with_width = [&](auto number) {
    switch (s.dim_head) {
      case 8:
        return with_window(number, Constant<8>());
      case 16:
        return with_window(number, Constant<16>());
      case 32:
        return with_window(number, Constant<32>());
      case 64:
        return with_window(number, Constant<64>());
      default:
        throw InvalidInput(fmt::format("dim-head is {}; on a GPU it must be 8, 16, 32 or 64", s.dim_head));
    }
  };
  type == DeviceType::bfloat16 ? with_width(BFloat16()) : with_width(float());
}

}  // namespace

void cuda_attention(const AttentionShape& s, DeviceType type, const void* qkv, void* out) {
  specialized(s, type, [&](auto number, auto d, auto window) {
    using S = decltype(number);
    constexpr int D = decltype(d)::value, K = decltype(window)::value;
    launch(stride_is_one<K>(s) ? forward<S, D, K, K == 2> : forward<S, D, K, false>, kSharedBytes<S, D, K>, s,
           static_cast<const S*>(qkv), static_cast<S*>(out));
  });
}

long long cuda_attention_scratch(const AttentionShape& s) {
  const long long reach = 2 * s.window - 1;
  return 2 * reach * reach * s.batch * s.heads * s.height * s.width;
}

void cuda_attention_backward(const AttentionShape& s, DeviceType type, const void* qkv, const void* d_out,
                             void* d_qkv, float* scratch) {
  specialized(s, type, [&](auto number, auto d, auto window) {
    using S = decltype(number);
    constexpr int D = decltype(d)::value, K = decltype(window)::value;
    const auto* in = static_cast<const S*>(qkv);
    const auto* g = static_cast<const S*>(d_out);
    auto* to = static_cast<S*>(d_qkv);
    launch(stride_is_one<K>(s) ? backward_queries<S, D, K, K == 2> : backward_queries<S, D, K, false>,
           kSharedBytes<S, D, K>, s, in, g, to, scratch);
    launch(backward_keys<S, D, K>, kSharedBytes<S, D, K>, s, in, g, to, static_cast<const float*>(scratch));
  });
}

std::string gpu_name() {
  int device = 0;
  check_device(cudaGetDevice(&device));
  cudaDeviceProp properties;
  check_device(cudaGetDeviceProperties(&properties, device));
  return properties.name;
}

double gpu_free_memory() {
  std::size_t free = 0, total = 0;
  check_device(cudaMemGetInfo(&free, &total));
  return static_cast<double>(free);
}

}  // namespace mano
