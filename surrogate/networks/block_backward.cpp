// The backward pass of a block: its forward pass in reverse, with sums of the gradients of the weights a thread.
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/block_gradients.hpp"
#include "surrogate/networks/block_passes.hpp"

namespace mano {

using torch::Tensor;
using Index = std::int64_t;

namespace {

// From the gradient of the MLP's first map to that of x after the attention.
template <typename S>
void first_map_backward(const BlockParts<S>& b, BlockGradients<S>& g, Index n, const Sum<S>* attended,
                        const S* d_hidden, S* normalized, const Sum<S>* d_out, Sum<S>* d_attended) {
  add_transposed_product(b.hidden, b.channels, n, d_hidden, normalized, g.mlp_in);
  multiply(n, b.channels, b.hidden, d_hidden, data_of<S>(b.mlp_in.weight), normalized);
  b.kernels.normalize_backward(n, b.architecture.dim, attended, b.mlp_norm(), normalized, d_out, d_attended,
                               {g.mlp_weight, g.mlp_bias});
}

// From the gradient of the block's result to that of hidden, before the activation and its bias; hidden is overwritten.
template <typename S>
void second_map_backward(const BlockParts<S>& b, Buffer<S>& converted, BlockGradients<S>& g, Index n,
                         S* hidden, const Tensor& bias, const Sum<S>* d_out, S* d_hidden, Sum<S>* d_bias) {
  const S* d = b.as_operand(d_out, n * b.channels, converted);
  multiply(n, b.hidden, b.channels, d, data_of<S>(b.mlp_out.weight), d_hidden);
  b.kernels.gelu_backward(n, b.architecture.mlp, hidden, data_of<Sum<S>>(bias), d_hidden, hidden, d_hidden,
                          d_bias);
  add_transposed_product(b.channels, b.hidden, n, d, hidden, g.mlp_out);
  b.kernels.add_column_sums(n, b.architecture.dim, d_out, nullptr, g.mlp_out_bias);
}

template <typename S, typename Memory>
void mlp_backward(const BlockParts<S>& b, Memory& memory, BlockGradients<S>& g, Index n,
                  const Sum<S>* attended, const Sum<S>* d_out, Sum<S>* d_attended) {
  S* hidden = memory.hidden.get(n * b.hidden);
  S* d_hidden = memory.d_hidden.get(n * b.hidden);
  S* normalized = memory.normalized.get(n * b.channels);
  // Computing the hidden numbers anew is one product of thirty; keeping them would be an eighth of what is kept.
  b.kernels.normalize(n, b.architecture.dim, attended, b.mlp_norm(), normalized);
  multiply(n, b.hidden, b.channels, normalized, data_of<S>(b.mlp_in.transposed), hidden);
  second_map_backward(b, memory.converted, g, n, hidden, b.weights.mlp_in_bias, d_out, d_hidden,
                      g.mlp_in_bias);
  first_map_backward(b, g, n, attended, d_hidden, normalized, d_out, d_attended);
}

// The same for an MLP with a convolution, in two parts, for its transpose reads the gradients of neighbours: to the gradient of what
// the convolution and the residual connection around it give,
template <typename S>
void convolved_mlp_backward(const BlockParts<S>& b, const Saved& saved, const Sum<S>* d_out, S* d_convolved,
                            Tensor& sums) {
  struct Memory {
    Buffer<S> converted, hidden;
  };
  const TokenLevel& level = b.pyramid.levels[0];
  const Index image_tokens = static_cast<Index>(level.height) * level.width;
  const ConvolutionShape shape = b.convolution_shape(0, b.hidden);
  for_pieces<Memory>(
      static_cast<Index>(b.pyramid.batch) * level.height, level.width,
      [&](Memory& memory, Index first, Index last, bool) {
        BlockGradients g = BlockGradients<S>::mine(b, sums);
        const Index n = (last - first) * level.width, token = first * level.width;
        S* hidden = memory.hidden.get(n * b.hidden);
        S* d_rows = d_convolved + token * b.hidden;
        const auto for_rows =
            [&](const auto& visit) {  // visit(image's hidden numbers, rows, tokens before them)
              Index before = 0;
              for_images(level.height, first, last, [&](int image, int begin, int end) {
                visit(data_of<S>(saved.hidden) + image * image_tokens * b.hidden, begin, end, before);
                before += static_cast<Index>(end - begin) * level.width;
              });
            };
        for_rows([&](const S* image, int begin, int end, Index before) {
          b.kernels.convolve(shape, begin, end, {image, b.hidden}, data_of<Sum<S>>(b.mlp_taps), nullptr,
                             {image + static_cast<Index>(begin) * level.width * b.hidden, b.hidden},
                             {hidden + before * b.hidden, b.hidden});
        });
        second_map_backward(b, memory.converted, g, n, hidden, b.weights.mlp_convolution_bias,
                            d_out + token * b.channels, d_rows, g.mlp_taps_bias);
        for_rows([&](const S* image, int begin, int end, Index before) {
          b.kernels.convolution_gradients(shape, begin, end, {image, b.hidden},
                                          {d_rows + before * b.hidden, b.hidden}, g.mlp_taps, nullptr);
        });
      });
}

// and from there, the tokens of a piece.
template <typename S, typename Memory>
void hidden_backward(const BlockParts<S>& b, Memory& memory, BlockGradients<S>& g, const LevelPiece& piece,
                     const Sum<S>* attended, const S* d_convolved, const Sum<S>* d_out, Sum<S>* d_attended) {
  const Index n = piece.tokens, at = piece.token * b.channels;
  const TokenLevel& level = b.pyramid.levels[0];
  S* d_hidden = memory.d_hidden.get(n * b.hidden);
  for_level_images(b, 0, piece, [&](int image, int begin, int end, Index before) {
    const S* of_image = d_convolved + static_cast<Index>(image) * level.height * level.width * b.hidden;
    b.kernels.convolve(b.convolution_shape(0, b.hidden), begin, end, {of_image, b.hidden},
                       data_of<Sum<S>>(b.mlp_taps_back), nullptr,
                       {of_image + static_cast<Index>(begin) * level.width * b.hidden, b.hidden},
                       {d_hidden + before * b.hidden, b.hidden});
  });
  b.kernels.add_operand_sums(n, b.architecture.mlp, d_hidden, g.mlp_in_bias);
  S* normalized = memory.normalized.get(n * b.channels);
  b.kernels.normalize(n, b.architecture.dim, attended + at, b.mlp_norm(), normalized);
  first_map_backward(b, g, n, attended + at, d_hidden, normalized, d_out + at, d_attended + at);
}

// From the gradient of level l of r, on the finest level from that of the result: that of its attention, and of level l + 1
// of r. d_r begins with level 0; d_convolved is null without a convolution in the MLP.
template <typename S>
void sample_up_backward(const BlockParts<S>& b, int l, const Saved& saved, const Sum<S>* d_out,
                        const S* d_convolved, Sum<S>* d_r, S* d_attended, Tensor& sums) {
  struct Memory {
    Buffer<S> converted, hidden, d_hidden, normalized, attended, blocks, product;
    Buffer<Sum<S>> scratch;
  };
  const Index offset = b.pyramid.levels[l].offset;
  Sum<S>* level = d_r + offset * b.channels;
  for_level<Memory>(b, l, [&](Memory& memory, const LevelPiece& piece) {
    BlockGradients g = BlockGradients<S>::mine(b, sums);
    if (l == 0 && d_convolved != nullptr) {
      hidden_backward(b, memory, g, piece, data_of<Sum<S>>(saved.attended), d_convolved, d_out, level);
    } else if (l == 0) {
      in_pieces(piece.tokens, [&](Index begin, Index n) {
        const Index token = piece.token + begin;
        mlp_backward(b, memory, g, n, data_of<Sum<S>>(saved.attended) + token * b.channels,
                     d_out + token * b.channels, level + token * b.channels);
      });
    }
    const Sum<S>* d_rows = level + piece.token * b.channels;
    const S* d = b.as_operand(d_rows, piece.tokens * b.channels, memory.converted);
    S* d_attended_rows = d_attended + (offset + piece.token) * b.inner;
    if (b.to_out.weight.defined()) {
      S* attended = memory.attended.get(piece.tokens * b.inner);
      b.attend(l, piece, data_of<S>(saved.qkv), memory.scratch, attended);
      add_transposed_product(b.channels, b.inner, piece.tokens, d, attended, g.to_out);
      b.kernels.add_column_sums(piece.tokens, b.architecture.dim, d_rows,
                                b.cover.defined() ? data_of<Sum<S>>(b.cover) + offset + piece.token : nullptr,
                                g.to_out_bias);
      multiply(piece.tokens, b.inner, b.channels, d, data_of<S>(b.to_out.weight), d_attended_rows);
    } else {
      std::copy(d, d + piece.tokens * b.channels, d_attended_rows);
    }
    if (b.coarsest(l)) return;
    const Index next = b.pyramid.levels[l + 1].offset;
    S* blocks = memory.blocks.get(piece.next_tokens * b.block);
    S* product = memory.product.get(piece.next_tokens * b.channels);
    b.gather(l, piece.first, piece.last, level, static_cast<Sum<S>>(b.up_factor(l)), true, blocks);
    add_transposed_product(
        b.channels, b.block, piece.next_tokens,
        data_of<S>(saved.from_up) + (next - b.pyramid.finest() + piece.next_token) * b.channels, blocks,
        g.up);
    multiply(piece.next_tokens, b.channels, b.block, blocks, data_of<S>(b.up.transposed), product);
    b.kernels.add_biased(piece.next_tokens, b.architecture.dim, nullptr, product, nullptr, nullptr,
                         d_r + (next + piece.next_token) * b.channels);
  });
}

// Through the attention, the map to q, k, v and the norms of level l: d_x = past + what comes back, x and d_x of that level.
template <typename S>
void project_backward(const BlockParts<S>& b, int l, const Sum<S>* x, const S* qkv, const S* d_attended,
                      const Sum<S>* past, Sum<S>* d_x, Tensor& sums) {
  struct Memory {
    Buffer<S> d_qkv, normalized;
    Buffer<Sum<S>> scratch;
  };
  const TokenLevel& level = b.pyramid.levels[l];
  const AttentionShape shape = b.attention_shape(l);
  const Index image_tokens = static_cast<Index>(level.height) * level.width;
  for_pieces<Memory>(
      static_cast<Index>(b.pyramid.batch) * level.height, level.width,
      [&](Memory& memory, Index first, Index last, bool begins) {
        BlockGradients g = BlockGradients<S>::mine(b, sums);
        const Index n = (last - first) * level.width;
        const Index at = first * level.width * b.channels;
        S* d_qkv = memory.d_qkv.get(n * 3 * b.inner);
        Sum<S>* scratch = memory.scratch.get(static_cast<Index>(b.kernels.attention_scratch(shape)));
        S* to = d_qkv;
        for_images(level.height, first, last, [&](int image, int begin, int end) {
          const Index token = level.offset + image * image_tokens;
          const bool continued = begin > 0 && !begins;
          b.kernels.attention_backward(shape, begin, end, continued, qkv + token * 3 * b.inner,
                                       d_attended + token * b.inner, to, scratch);
          if (b.value_taps.defined()) {
            const ConvolutionShape values = b.convolution_shape(l, b.inner);
            const S* d = d_attended + token * b.inner;
            b.kernels.convolve(values, begin, end, {d, b.inner}, data_of<Sum<S>>(b.value_taps_back), nullptr,
                               {to + 2 * b.inner, 3 * b.inner}, {to + 2 * b.inner, 3 * b.inner});
            b.kernels.convolution_gradients(values, begin, end,
                                            {qkv + token * 3 * b.inner + 2 * b.inner, 3 * b.inner},
                                            {d + static_cast<Index>(begin) * level.width * b.inner, b.inner},
                                            g.value_taps, g.value_taps_bias);
          }
          to += static_cast<Index>(end - begin) * level.width * 3 * b.inner;
        });
        S* normalized = memory.normalized.get(n * b.channels);
        b.kernels.normalize(n, b.architecture.dim, x + at, b.attention_norm(), normalized);
        add_transposed_product(3 * b.inner, b.channels, n, d_qkv, normalized, g.to_qkv);
        multiply(n, b.channels, 3 * b.inner, d_qkv, data_of<S>(b.to_qkv.weight), normalized);
        b.kernels.normalize_backward(n, b.architecture.dim, x + at, b.attention_norm(), normalized,
                                     past != nullptr ? past + at : nullptr, d_x + at,
                                     {g.outer_weight, g.outer_bias, g.inner_weight, g.inner_bias});
      });
}

// d_fine, of level l - 1, += what comes back from level l.
template <typename S>
void sample_down_backward(const BlockParts<S>& b, int l, const Sum<S>* fine, const Sum<S>* d_coarse,
                          Sum<S>* d_fine, Tensor& sums) {
  struct Memory {
    Buffer<S> blocks, converted;
  };
  const TokenLevel& level = b.pyramid.levels[l];
  for_pieces<Memory>(static_cast<Index>(b.pyramid.batch) * level.height,
                     static_cast<Index>(level.width) * b.architecture.rate * b.architecture.rate,
                     [&](Memory& memory, Index first, Index last, bool) {
                       BlockGradients g = BlockGradients<S>::mine(b, sums);
                       const Index n = (last - first) * level.width;
                       const S* d = b.as_operand(d_coarse + first * level.width * b.channels, n * b.channels,
                                                 memory.converted);
                       S* blocks = memory.blocks.get(n * b.block);
                       b.gather(l - 1, first, last, fine, 1, false, blocks);
                       add_transposed_product(b.channels, b.block, n, d, blocks, g.down);
                       multiply(n, b.block, b.channels, d, data_of<S>(b.down.weight), blocks);
                       b.scatter(l - 1, first, last, blocks, 1, true, d_fine);
                     });
}

}  // namespace

template <typename S>
Tensor backward_pass(const BlockParts<S>& b, const Tensor& x, const Saved& saved, const Tensor& d_out,
                     BlockWeights& d) {
  Tensor sums = torch::zeros({at::get_num_threads(), BlockGradients<S>(b, nullptr).count}, b.sums);
  const Tensor d_r = torch::empty({b.pyramid.tokens(), b.channels}, b.sums);
  const Tensor d_attended = torch::empty({b.pyramid.tokens(), b.inner}, b.operands);
  Tensor d_convolved;
  if (b.mlp_taps.defined()) {
    d_convolved = torch::empty({b.pyramid.finest(), b.hidden}, b.operands);
    convolved_mlp_backward(b, saved, data_of<Sum<S>>(d_out), data_of<S>(d_convolved), sums);
  }
  for (int l = 0; l < b.levels(); ++l)
    sample_up_backward(b, l, saved, data_of<Sum<S>>(d_out), data_of<S>(d_convolved), data_of<Sum<S>>(d_r),
                       data_of<S>(d_attended), sums);

  // The gradients of x, z_1 ... take the place of those of r_0, r_1 ..., which nobody reads any more.
  const auto z = [&](int l) { return l == 0 ? data_of<Sum<S>>(x) : b.level_rows(saved.coarse, l); };
  const auto d_z = [&](int l) { return data_of<Sum<S>>(d_r) + b.pyramid.levels[l].offset * b.channels; };
  for (int l = 0; l < b.levels(); ++l)
    project_backward(b, l, z(l), data_of<S>(saved.qkv), data_of<S>(d_attended),
                     l == 0 ? data_of<Sum<S>>(d_r) : nullptr, d_z(l), sums);
  for (int l = b.levels() - 1; l > 0; --l) sample_down_backward(b, l, z(l - 1), d_z(l), d_z(l - 1), sums);
  take_gradients(b, sums, d);
  return d_r.narrow(0, 0, b.pyramid.finest());
}

template Tensor backward_pass(const BlockParts<float>&, const Tensor&, const Saved&, const Tensor&,
                              BlockWeights&);
template Tensor backward_pass(const BlockParts<double>&, const Tensor&, const Saved&, const Tensor&,
                              BlockWeights&);
template Tensor backward_pass(const BlockParts<BFloat16>&, const Tensor&, const Saved&, const Tensor&,
                              BlockWeights&);

}  // namespace mano
