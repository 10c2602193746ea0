#pragma once
// Forward and backward pass of one block on the CPU (surrogate/networks/block.hpp; equations in docs/mano.md). Matrix products and what
// lies between them are done a piece of the grid at a time, each piece by one thread from the first operation of a chain to the
// last, so that what lies between stays in its cache and threads meet only where neighbours or levels do. Private to
// surrogate/.

#include <torch/types.h>

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

/// What the backward pass needs besides x and the weights; numbers a token of level 0, for C = h d = mlp and rate 2.
struct Saved {
  torch::Tensor coarse;    ///< z_1 ..., of sums' type: C / 3
  torch::Tensor qkv;       ///< of all levels: 4 C
  torch::Tensor from_up;   ///< r_1 ..., as operands of up: C / 3
  torch::Tensor attended;  ///< x after the attention: C
};

/// S as in token_kernels.hpp.
template <typename S>
class BlockPasses {
  using A = Sum<S>;

 public:
  /// All three must outlive it.
  BlockPasses(const BlockWeights& weights, const Architecture& architecture, const Pyramid& pyramid);

  /// x and the result [tokens of level 0, C].
  torch::Tensor forward(const torch::Tensor& x, Saved& saved);
  /// The gradient of x from that of the result; those of the weights in `gradients`.
  torch::Tensor backward(const torch::Tensor& x, const Saved& saved, const torch::Tensor& d_out,
                         BlockWeights& gradients);

 private:
  // Rows of one level for one piece: those of the next level that it covers whole, where there is one.
  struct Piece {
    std::int64_t first = 0, last = 0;  // rows of the next level, of all images; of this one on the coarsest
    std::int64_t token = 0, tokens = 0;
    std::int64_t next_token = 0, next_tokens = 0;
  };
  struct Gradients;  // sums of one thread

  int levels() const { return static_cast<int>(p_.levels.size()); }
  bool coarsest(int l) const { return l + 1 == levels(); }
  double up_factor(int fine) const { return 1.0 / (levels() - 1 - fine); }
  LevelShape level_shape(int fine) const;
  AttentionShape attention_shape(int l) const;
  NormWeights<A> attention_norm() const;
  NormWeights<A> mlp_norm() const;
  const S* operand(const torch::Tensor& weight) const;
  const S* as_operand(const A* x, std::int64_t count, Buffer<S>& converted) const;  // x itself where S is A
  A* level_rows(const torch::Tensor& coarse,
                int l) const;  // of level l >= 1 in a matrix that begins with level 1
  void fill_cover();

  template <typename Memory, typename Body>
  void for_level(int l, const Body& body) const;  // body(memory, piece)
  template <typename Visit>
  void for_level_images(int l, const Piece& piece, const Visit& visit) const;

  // Forward
  void sample_down(const A* x, const torch::Tensor& coarse) const;
  void project(const A* x, std::int64_t tokens, S* qkv) const;
  void attend(int l, const Piece& piece, const S* qkv, Buffer<A>& scratch, S* attended) const;
  void gather(int fine, std::int64_t first, std::int64_t last, const A* tokens, A factor, bool zero_outside,
              S* blocks) const;
  void scatter(int fine, std::int64_t first, std::int64_t last, const S* blocks, A factor, bool repeated,
               A* tokens) const;
  void attend_and_sample_up(int l, const A* x, const Saved& saved, A* r, A* out) const;
  template <typename Memory>
  void mlp(Memory& memory, std::int64_t tokens, const A* attended, A* out) const;

  // Backward
  template <typename Memory>
  void mlp_backward(Memory& memory, Gradients& sums, std::int64_t tokens, const A* attended, const A* d_out,
                    A* d_attended) const;
  void sample_up_backward(int l, const Saved& saved, const A* d_out, A* d_r, S* d_attended,
                          torch::Tensor& sums) const;
  void project_backward(int l, const A* x, const S* qkv, const S* d_attended, const A* past, A* d_x,
                        torch::Tensor& sums) const;
  void sample_down_backward(int l, const A* fine, const A* d_coarse, A* d_fine, torch::Tensor& sums) const;
  void take_gradients(const torch::Tensor& sums, BlockWeights& gradients) const;

  const BlockWeights& w_;
  const Architecture& a_;
  const Pyramid& p_;
  const TokenKernels<S>& kernels_ = token_kernels<S>();
  std::int64_t channels_ = 0, inner_ = 0, hidden_ = 0, block_ = 0;  // C, h d, mlp, rate rate C
  torch::TensorOptions sums_, operands_;
  torch::Tensor to_qkv_, to_out_, down_, up_, mlp_in_, mlp_out_;  // as operands; down and up [C, rate rate C]
  torch::Tensor cover_;  // 1 or 0 a token: whether a window holds it; undefined where all are 1
};

}  // namespace mano
