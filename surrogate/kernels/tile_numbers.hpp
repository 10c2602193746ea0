#pragma once
// Numbers on a GPU: their types, sixteen bytes of them as one load or store moves them, and the instructions that C++ does not name.
// All that differs between host and GPU code stands here.

#include <cstdint>
#include <cstring>

#include "core/host_device.hpp"
#include "surrogate/kernels/token_kernels.hpp"

#ifdef __CUDACC__
#define MANO_TEXT(text) #text
#define MANO_UNROLL(times) _Pragma(MANO_TEXT(unroll(times)))
#else
#define MANO_UNROLL(times)
#endif

namespace mano::tile {

MANO_BOTH inline float widen(float x) {
  return x;
}
MANO_BOTH inline float widen(BFloat16 x) {
  union {
    std::uint32_t bits;
    float value;
  } u{static_cast<std::uint32_t>(x.bits) << 16};
  return u.value;
}
MANO_BOTH inline void narrow(float x, float& to) {
  to = x;
}
MANO_BOTH inline void narrow(float x, BFloat16& to) {
  union {
    float value;
    std::uint32_t bits;
  } u{x};
  to.bits = static_cast<std::uint16_t>((u.bits + 0x7fff + ((u.bits >> 16) & 1)) >> 16);
}
/// Sixteen bytes: what one load or store moves.
template <typename S>
struct alignas(16) Piece {
  static constexpr int kCount = 4;
  float numbers[kCount];
};
/// Two numbers a word, so that each is one instruction away from a float.
template <>
struct alignas(16) Piece<BFloat16> {
  static constexpr int kCount = 8;
  std::uint32_t pairs[kCount / 2];
};

MANO_BOTH inline float number(const Piece<float>& p, int i) {
  return p.numbers[i];
}
MANO_BOTH inline float number(const Piece<BFloat16>& p, int i) {
  union {
    std::uint32_t bits;
    float value;
  } u{i % 2 == 0 ? p.pairs[i / 2] << 16 : p.pairs[i / 2] & 0xffff0000u};
  return u.value;
}
MANO_BOTH inline Piece<float> piece_of(const float* numbers, float) {
  return {{numbers[0], numbers[1], numbers[2], numbers[3]}};
}
MANO_BOTH inline Piece<BFloat16> piece_of(const float* numbers, BFloat16) {
  Piece<BFloat16> p;
  for (int i = 0; i < 4; ++i) {
#ifdef __CUDA_ARCH__
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(p.pairs[i]) : "f"(numbers[2 * i + 1]), "f"(numbers[2 * i]));
#else
    BFloat16 low, high;
    narrow(numbers[2 * i], low);
    narrow(numbers[2 * i + 1], high);
    p.pairs[i] = low.bits | static_cast<std::uint32_t>(high.bits) << 16;
#endif
  }
  return p;
}

// A test passes pointers of its own to the functions below, which write down where they point.
template <typename S>
MANO_BOTH inline Piece<S> load_piece(const S* from) {
#ifdef __CUDA_ARCH__
  return *reinterpret_cast<const Piece<S>*>(from);
#else
  Piece<S> piece;
  std::memcpy(&piece, from, sizeof piece);
  return piece;
#endif
}
template <typename S>
MANO_BOTH inline void store_piece(const Piece<S>& piece, S* to) {
#ifdef __CUDA_ARCH__
  *reinterpret_cast<Piece<S>*>(to) = piece;
#else
  std::memcpy(to, &piece, sizeof piece);
#endif
}

/// To shared memory, in one instruction and without a branch: of the store above the compiler may make several.
template <typename S>
MANO_BOTH inline void store_shared_if(bool condition, const Piece<S>& piece, S* to) {
#ifdef __CUDA_ARCH__
  std::uint32_t words[4];
  memcpy(words, &piece, sizeof words);
  asm volatile("{ .reg .pred p; setp.ne.u32 p, %0, 0; @p st.shared.v4.b32 [%1], {%2, %3, %4, %5}; }" ::"r"(
                   static_cast<unsigned>(condition)),
               "r"(static_cast<unsigned>(__cvta_generic_to_shared(to))), "r"(words[0]), "r"(words[1]),
               "r"(words[2]), "r"(words[3])
               : "memory");
#else
  if (condition) store_piece(piece, to);
#endif
}

MANO_BOTH inline float larger(float a, float b) {
#ifdef __CUDA_ARCH__
  return fmaxf(a, b);
#else
  return a > b ? a : b;
#endif
}

// Within two units in the last place on a GPU, one instruction each.
MANO_BOTH inline float reciprocal(float x) {
#ifdef __CUDA_ARCH__
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
#else
  return 1.0f / x;
#endif
}
MANO_BOTH inline float power_of_two(float x) {
#ifdef __CUDA_ARCH__
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
#else
  return __builtin_exp2f(x);
#endif
}

/// What the compiler loaded before this, it loads again after it rather than keep it in registers.
MANO_BOTH inline void forget_loads() {
#ifdef __CUDA_ARCH__
  asm volatile("" ::: "memory");
#endif
}
/// What the compiler computed from it before this, it computes again.
MANO_BOTH inline void forget_results([[maybe_unused]] float& of) {
#ifdef __CUDA_ARCH__
  asm volatile("" : "+f"(of));
#endif
}
MANO_BOTH inline void forget_results([[maybe_unused]] const float*& of) {
#ifdef __CUDA_ARCH__
  asm volatile("" : "+l"(of));
#endif
}

}  // namespace mano::tile
