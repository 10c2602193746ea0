#pragma once
// What both passes of a block on the CPU are made of: its weights as operands of matrix products, the shapes of its levels, and pieces
// of a level. Private to surrogate/.

#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "surrogate/kernels/gemm.hpp"
#include "surrogate/kernels/parallel.hpp"
#include "surrogate/kernels/token_kernels.hpp"
#include "surrogate/networks/block.hpp"

namespace mano {

/// Tokens of one level, all images: [B, H, W] from token `offset` on, in matrices of the tokens of all levels.
struct TokenLevel {
  int height = 0;
  int width = 0;
  std::int64_t offset = 0;
  std::int64_t tokens = 0;
};

struct Pyramid {
  Pyramid(const torch::Tensor& x, const Architecture& architecture);  ///< x [B, H, W, C]

  std::int64_t finest() const { return levels.front().tokens; }
  std::int64_t tokens() const { return levels.back().offset + levels.back().tokens; }

  int batch = 0;
  std::vector<TokenLevel> levels;
};

/// Rows of one level for one piece: those of the next level that it covers whole, where there is one.
struct LevelPiece {
  std::int64_t first = 0, last = 0;  ///< rows of the next level, of all images; of this one on the coarsest
  std::int64_t token = 0, tokens = 0;
  std::int64_t next_token = 0, next_tokens = 0;
};

/// A map's weight [out, in], which the backward pass multiplies by, and its transpose [in, out], which the forward pass does. Both are
/// made in the forward pass, for both, or once for all in a network whose weights are frozen.
struct MapOperand {
  torch::Tensor weight, transposed;
};

/// What the loops read of a block's weights. S as in token_kernels.hpp.
template <typename S>
struct BlockOperands {
  BlockOperands(const BlockWeights& weights, const Architecture& architecture);

  torch::TensorOptions sums, operands;
  MapOperand to_qkv, to_out, mlp_in, mlp_out;    ///< to_out is undefined without an output map
  MapOperand down, up;                           ///< weights [C, rate rate C]
  torch::Tensor value_taps, mlp_taps;            ///< [9, h d] and [9, mlp]; undefined without convolutions
  torch::Tensor value_taps_back, mlp_taps_back;  ///< in reverse: of the transposes
};

template <typename S>
struct BlockParts : BlockOperands<S> {
  using A = Sum<S>;

  /// All but the operands must outlive it.
  BlockParts(const BlockWeights& weights, const BlockOperands<S>& operands, const Architecture& architecture,
             const Pyramid& pyramid);

  int levels() const { return static_cast<int>(pyramid.levels.size()); }
  bool coarsest(int l) const { return l + 1 == levels(); }
  double up_factor(int fine) const { return 1.0 / (levels() - 1 - fine); }
  LevelShape level_shape(int fine) const;
  AttentionShape attention_shape(int l) const;
  ConvolutionShape convolution_shape(int l, std::int64_t channels) const;
  NormWeights<A> attention_norm() const;
  NormWeights<A> mlp_norm() const;
  const S* as_operand(const A* x, std::int64_t count, Buffer<S>& converted) const;  ///< x itself where S is A
  /// Level l >= 1 in a matrix that begins with level 1.
  A* level_rows(const torch::Tensor& coarse, int l) const;

  /// Blocks of rows [first, last) of level fine + 1, of all images, from the tokens of level `fine`; and back.
  void gather(int fine, std::int64_t first, std::int64_t last, const A* tokens, A factor, bool zero_outside,
              S* blocks) const;
  void scatter(int fine, std::int64_t first, std::int64_t last, const S* blocks, A factor, bool repeated,
               A* tokens) const;
  /// Attention of the tokens of a piece, and the convolution of its values where there is one; qkv of all levels.
  void attend(int l, const LevelPiece& piece, const S* qkv, Buffer<A>& scratch, S* attended) const;

  const BlockWeights& weights;
  const Architecture& architecture;
  const Pyramid& pyramid;
  const TokenKernels<S>& kernels = token_kernels<S>();
  std::int64_t channels = 0, inner = 0, hidden = 0, block = 0;  ///< C, h d, mlp, rate rate C
  torch::Tensor cover;  ///< 1 or 0 a token: whether a window holds it; undefined where all are 1

 private:
  void fill_cover();
  template <typename Visit>
  void for_blocks(int fine, std::int64_t first, std::int64_t last, const Visit& visit) const;
};

template <typename T>
T* data_of(const torch::Tensor& t) {
  return t.defined() ? reinterpret_cast<T*>(t.data_ptr()) : nullptr;
}

/// body(begin, count) for all of `tokens`, at most a piece at a time.
template <typename Body>
void in_pieces(std::int64_t tokens, const Body& body) {
  for (std::int64_t begin = 0; begin < tokens; begin += kPieceTokens)
    body(begin, std::min(kPieceTokens, tokens - begin));
}

/// body(memory, piece) for all pieces of level l; Memory is a struct of buffers.
template <typename Memory, typename S, typename Body>
void for_level(const BlockParts<S>& b, int l, const Body& body) {
  const TokenLevel& level = b.pyramid.levels[l];
  if (b.coarsest(l)) {
    for_pieces<Memory>(
        static_cast<std::int64_t>(b.pyramid.batch) * level.height, level.width,
        [&](Memory& memory, std::int64_t first, std::int64_t last, bool) {
          body(memory, LevelPiece{first, last, first * level.width, (last - first) * level.width, 0, 0});
        });
    return;
  }
  const TokenLevel& next = b.pyramid.levels[l + 1];
  // The first row of this level that row `row` of the next one, of all images, stands for.
  const auto fine_row = [&](std::int64_t row) {
    return row / next.height * level.height +
           std::min<std::int64_t>(row % next.height * b.architecture.rate, level.height);
  };
  for_pieces<Memory>(static_cast<std::int64_t>(b.pyramid.batch) * next.height,
                     static_cast<std::int64_t>(b.architecture.rate) * level.width,
                     [&](Memory& memory, std::int64_t first, std::int64_t last, bool) {
                       const std::int64_t token = fine_row(first) * level.width;
                       body(memory, LevelPiece{first, last, token, fine_row(last) * level.width - token,
                                               first * next.width, (last - first) * next.width});
                     });
}

/// visit(image, begin, end, tokens before it in the piece), rows of level l.
template <typename S, typename Visit>
void for_level_images(const BlockParts<S>& b, int l, const LevelPiece& piece, const Visit& visit) {
  const int width = b.pyramid.levels[l].width;
  for_images(b.pyramid.levels[l].height, piece.token / width, (piece.token + piece.tokens) / width,
             [&, before = std::int64_t{0}](int image, int begin, int end) mutable {
               visit(image, begin, end, before);
               before += static_cast<std::int64_t>(end - begin) * width;
             });
}

}  // namespace mano
