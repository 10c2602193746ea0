#pragma once
// The loops of a MANO block over plain arrays, everything but its matrix products (docs/mano.md). token_kernels.cpp is
// compiled once for each instruction set (baseline, AVX2, AVX-512); the best that the processor has is picked at run time.
// Private to surrogate/ and its tests.
//
// Tokens are rows of C numbers, [B, H, W, C]. S is the type of what matrix products read and write: float, double or
// BFloat16; A is the type of sums, of the residual stream and of its gradients: float for BFloat16, else S.
// Nothing is atomic: whoever owns a result gathers it, so that a result does not depend on timing.

#include <cstddef>
#include <cstdint>

#include "surrogate/kernels/attention_shape.hpp"

namespace mano {

/// The upper half of a float.
struct BFloat16 {
  std::uint16_t bits;
};

template <typename S>
struct SumOf {
  using Type = S;
};
template <>
struct SumOf<BFloat16> {
  using Type = float;
};
template <typename S>
using Sum = typename SumOf<S>::Type;

/// LayerNorm(LayerNorm(x)) where `inner_weight` is set, else LayerNorm(x); all [C].
template <typename A>
struct NormWeights {
  const A* weight = nullptr;
  const A* bias = nullptr;
  const A* inner_weight = nullptr;
  const A* inner_bias = nullptr;
};

/// Sums of gradients, added to; [C] each, the last two where there are two norms.
template <typename A>
struct NormGradients {
  A* weight = nullptr;
  A* bias = nullptr;
  A* inner_weight = nullptr;
  A* inner_bias = nullptr;
};

/// Two neighbouring levels of one image: blocks of rate x rate tokens of the fine one, ceil(H / rate) x ceil(W / rate).
struct LevelShape {
  int height = 0;
  int width = 0;
  int rate = 2;
  int channels = 0;

  int coarse_height() const { return (height + rate - 1) / rate; }
  int coarse_width() const { return (width + rate - 1) / rate; }
};

/// Tokens of one image for a depthwise 3x3 convolution.
struct ConvolutionShape {
  int height = 0;
  int width = 0;
  int channels = 0;
};

/// The numbers of tokens, `stride` from token to token.
template <typename T>
struct Tokens {
  T* data = nullptr;
  std::ptrdiff_t stride = 0;
};

template <typename S>
struct TokenKernels {
  using A = Sum<S>;

  /// Numbers of scratch that a call of either attention needs.
  std::size_t (*attention_scratch)(const AttentionShape& shape);
  /// Overlapping attention of one image, rows [begin, end): qkv [H, W, 3, h, d] -> out_rows [end - begin, W, h, d].
  void (*attention)(const AttentionShape& shape, int begin, int end, const S* qkv, S* out_rows, A* scratch);
  /// Its gradient: rows [begin, end) of d_qkv [H, W, 3, h, d] from d_out [H, W, h, d], written to `d_rows`, the place of row
  /// `begin`. `continued`: scratch is as the call for the rows that end at `begin` left it.
  void (*attention_backward)(const AttentionShape& shape, int begin, int end, bool continued, const S* qkv,
                             const S* d_out, S* d_rows, A* scratch);

  /// out = norms(x), [rows, C].
  void (*normalize)(std::ptrdiff_t rows, int channels, const A* x, const NormWeights<A>& weights, S* out);
  /// d_x = add + the gradient through the norms; `add` may be null, or d_x itself.
  void (*normalize_backward)(std::ptrdiff_t rows, int channels, const A* x, const NormWeights<A>& weights,
                             const S* d_out, const A* add, A* d_x, const NormGradients<A>& gradients);

  /// out = gelu(x + bias), exact (erf); [rows, C].
  void (*gelu)(std::ptrdiff_t rows, int channels, const S* x, const A* bias, S* out);
  /// out = gelu(x + bias), d_x = d_out gelu'(x + bias), d_bias += its column sums. d_x may be d_out.
  void (*gelu_backward)(std::ptrdiff_t rows, int channels, const S* x, const A* bias, const S* d_out, S* out,
                        S* d_x, A* d_bias);

  /// out = a + y + scale bias, [rows, C]; a, bias and scale may be null, out may be a.
  void (*add_biased)(std::ptrdiff_t rows, int channels, const A* a, const S* y, const A* bias, const A* scale,
                     A* out);
  /// sums [C] += the column sums of x, row r times scale[r]; scale may be null.
  void (*add_column_sums)(std::ptrdiff_t rows, int channels, const A* x, const A* scale, A* sums);
  void (*add_operand_sums)(std::ptrdiff_t rows, int channels, const S* x, A* sums);  ///< the same of operands
  void (*add_bias)(std::ptrdiff_t rows, int channels, const A* bias, S* x);          ///< x += bias, [rows, C]
  void (*convert)(std::ptrdiff_t count, const A* from, S* to);
  void (*add_back)(std::ptrdiff_t count, const S* from, A* to);  ///< to += from

  /// Coarse rows [begin, end): block_rows [end - begin, ., rate, rate, C] = factor * fine tokens; outside the grid the last row or
  /// column is repeated, or, with `zero_outside`, 0.
  void (*gather_blocks)(const LevelShape& shape, int begin, int end, const A* fine, A factor,
                        bool zero_outside, S* block_rows);
  /// Its transpose: the fine tokens of coarse rows [begin, end) += factor * their numbers in block_rows; with `repeated` the
  /// last row and column take what was repeated of them too.
  void (*scatter_blocks)(const LevelShape& shape, int begin, int end, const S* block_rows, A factor,
                         bool repeated, A* fine);

  /// Depthwise 3x3 of one image, 0 outside the grid: out = base + bias + sum_k taps[k] x[. + k], rows [begin, end), k = 3 (row + 1) +
  /// column + 1 of the neighbour. x is the whole image; base and out begin at row `begin`. taps [9, C]; bias may be null, base may be
  /// out. With the taps in reverse it is its own transpose.
  void (*convolve)(const ConvolutionShape& shape, int begin, int end, Tokens<const S> x, const A* taps,
                   const A* bias, Tokens<const S> base, Tokens<S> out);
  /// d_taps[k] += sum of d_out x[. + k], d_bias += sum of d_out, over rows [begin, end); d_out begins at row `begin`, d_bias may be
  /// null.
  void (*convolution_gradients)(const ConvolutionShape& shape, int begin, int end, Tokens<const S> x,
                                Tokens<const S> d_out, A* d_taps, A* d_bias);
};

/// float, double or BFloat16.
template <typename S>
const TokenKernels<S>& token_kernels();
template <>
const TokenKernels<float>& token_kernels<float>();
template <>
const TokenKernels<double>& token_kernels<double>();
template <>
const TokenKernels<BFloat16>& token_kernels<BFloat16>();

/// c [m, n] = a b, or c += a b where `add` is set, by one thread: number (r, i) of a [m, k] is at a + r row_step + i step, so a may be
/// transposed; b [k, n].
template <typename T>
using Product = void (*)(std::ptrdiff_t m, std::ptrdiff_t n, std::ptrdiff_t k, const T* a,
                         std::ptrdiff_t row_step, std::ptrdiff_t step, const T* b, bool add, T* c);

/// float or double.
template <typename T>
Product<T> product_kernel();
template <>
Product<float> product_kernel<float>();
template <>
Product<double> product_kernel<double>();

}  // namespace mano
