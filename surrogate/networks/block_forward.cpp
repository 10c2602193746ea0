// The forward pass of a block: down to the coarsest level, attention on each level, back up, the MLP.
#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/block_passes.hpp"

namespace mano {

using torch::Tensor;
using Index = std::int64_t;

namespace {

// z_1 ... from x.
template <typename S>
void sample_down(const BlockParts<S>& b, const Sum<S>* x, const Tensor& coarse) {
  struct Memory {
    Buffer<S> blocks, product;
  };
  for (int l = 1; l < b.levels(); ++l) {
    const TokenLevel& level = b.pyramid.levels[l];
    const Sum<S>* fine = l == 1 ? x : b.level_rows(coarse, l - 1);
    for_pieces<Memory>(static_cast<Index>(b.pyramid.batch) * level.height,
                       static_cast<Index>(level.width) * b.architecture.rate * b.architecture.rate,
                       [&](Memory& memory, Index first, Index last, bool) {
                         const Index n = (last - first) * level.width;
                         S* blocks = memory.blocks.get(n * b.block);
                         S* product = memory.product.get(n * b.channels);
                         b.gather(l - 1, first, last, fine, 1, false, blocks);
                         multiply(n, b.channels, b.block, blocks, data_of<S>(b.down.transposed), product);
                         b.kernels.add_biased(n, b.architecture.dim, nullptr, product, nullptr, nullptr,
                                              b.level_rows(coarse, l) + first * level.width * b.channels);
                       });
  }
}

template <typename S>
void project(const BlockParts<S>& b, const Sum<S>* x, Index tokens, S* qkv) {
  struct Memory {
    Buffer<S> normalized;
  };
  for_pieces<Memory>(tokens, 1, [&](Memory& memory, Index first, Index last, bool) {
    S* normalized = memory.normalized.get((last - first) * b.channels);
    b.kernels.normalize(last - first, b.architecture.dim, x + first * b.channels, b.attention_norm(),
                        normalized);
    multiply(last - first, 3 * b.inner, b.channels, normalized, data_of<S>(b.to_qkv.transposed),
             qkv + first * 3 * b.inner);
  });
}

// The product of the MLP's first map, without its bias.
template <typename S>
void first_map(const BlockParts<S>& b, Buffer<S>& memory, Index n, const Sum<S>* attended, S* hidden) {
  S* normalized = memory.get(n * b.channels);
  b.kernels.normalize(n, b.architecture.dim, attended, b.mlp_norm(), normalized);
  multiply(n, b.hidden, b.channels, normalized, data_of<S>(b.mlp_in.transposed), hidden);
}

// out = attended + the MLP's second map of gelu(hidden + bias); hidden is overwritten.
template <typename S>
void second_map(const BlockParts<S>& b, Buffer<S>& memory, Index n, S* hidden, const Tensor& bias,
                const Sum<S>* attended, Sum<S>* out) {
  S* product = memory.get(n * b.channels);
  b.kernels.gelu(n, b.architecture.mlp, hidden, data_of<Sum<S>>(bias), hidden);
  multiply(n, b.channels, b.hidden, hidden, data_of<S>(b.mlp_out.transposed), product);
  b.kernels.add_biased(n, b.architecture.dim, attended, product, data_of<Sum<S>>(b.weights.mlp_out_bias),
                       nullptr, out);
}

// The MLP from its convolution on, once all hidden numbers are there.
template <typename S>
void convolved_mlp(const BlockParts<S>& b, const Saved& saved, Sum<S>* out) {
  struct Memory {
    Buffer<S> hidden, product;
  };
  const TokenLevel& level = b.pyramid.levels[0];
  const Index image_tokens = static_cast<Index>(level.height) * level.width;
  for_pieces<Memory>(static_cast<Index>(b.pyramid.batch) * level.height, level.width,
                     [&](Memory& memory, Index first, Index last, bool) {
                       const Index n = (last - first) * level.width, at = first * level.width * b.channels;
                       S* hidden = memory.hidden.get(n * b.hidden);
                       S* rows = hidden;
                       for_images(level.height, first, last, [&](int image, int begin, int end) {
                         const S* of_image = data_of<S>(saved.hidden) + image * image_tokens * b.hidden;
                         b.kernels.convolve(
                             b.convolution_shape(0, b.hidden), begin, end, {of_image, b.hidden},
                             data_of<Sum<S>>(b.mlp_taps), nullptr,
                             {of_image + static_cast<Index>(begin) * level.width * b.hidden, b.hidden},
                             {rows, b.hidden});
                         rows += static_cast<Index>(end - begin) * level.width * b.hidden;
                       });
                       second_map(b, memory.product, n, hidden, b.weights.mlp_convolution_bias,
                                  data_of<Sum<S>>(saved.attended) + at, out + at);
                     });
}

// Level l of r, and on the finest level the rest of the block, or of what comes before the MLP's convolution.
template <typename S>
void attend_and_sample_up(const BlockParts<S>& b, int l, const Sum<S>* x, const Saved& saved, Sum<S>* r,
                          Sum<S>* out) {
  struct Memory {
    Buffer<S> attended, mapped, blocks, normalized, hidden;
    Buffer<Sum<S>> scratch;
  };
  const Index offset = b.pyramid.levels[l].offset;
  S* from_up = data_of<S>(saved.from_up);
  const auto coarse = [&](int level) {
    return (b.pyramid.levels[level].offset - b.pyramid.finest()) * b.channels;
  };
  Sum<S>* level = l == 0 ? data_of<Sum<S>>(saved.attended) : r + coarse(l);
  for_level<Memory>(b, l, [&](Memory& memory, const LevelPiece& piece) {
    S* attended = memory.attended.get(piece.tokens * b.inner);
    b.attend(l, piece, data_of<S>(saved.qkv), memory.scratch, attended);
    in_pieces(piece.tokens, [&](Index begin, Index n) {
      const S* mapped = attended + begin * b.inner;
      if (b.to_out.weight.defined()) {
        S* product = memory.mapped.get(n * b.channels);
        multiply(n, b.channels, b.inner, mapped, data_of<S>(b.to_out.transposed), product);
        mapped = product;
      }
      const Index token = piece.token + begin;
      b.kernels.add_biased(n, b.architecture.dim, l == 0 ? x + token * b.channels : nullptr, mapped,
                           data_of<Sum<S>>(b.weights.to_out_bias),
                           b.cover.defined() ? data_of<Sum<S>>(b.cover) + offset + token : nullptr,
                           level + token * b.channels);
    });
    if (!b.coarsest(l)) {
      S* blocks = memory.blocks.get(piece.next_tokens * b.block);
      multiply(piece.next_tokens, b.block, b.channels,
               from_up + coarse(l + 1) + piece.next_token * b.channels, data_of<S>(b.up.weight), blocks);
      b.scatter(l, piece.first, piece.last, blocks, static_cast<Sum<S>>(b.up_factor(l)), false, level);
    }
    const Index at = piece.token * b.channels;
    if (l > 0) {
      if (!std::is_same_v<S, Sum<S>>)
        b.kernels.convert(piece.tokens * b.channels, level + at, from_up + coarse(l) + at);
      return;
    }
    in_pieces(piece.tokens, [&](Index begin, Index n) {
      const Index token = piece.token + begin;
      const Sum<S>* rows = level + token * b.channels;
      if (saved.hidden.defined()) {
        S* hidden = data_of<S>(saved.hidden) + token * b.hidden;
        first_map(b, memory.normalized, n, rows, hidden);
        b.kernels.add_bias(n, b.architecture.mlp, data_of<Sum<S>>(b.weights.mlp_in_bias), hidden);
        return;
      }
      S* hidden = memory.hidden.get(n * b.hidden);
      first_map(b, memory.normalized, n, rows, hidden);
      second_map(b, memory.normalized, n, hidden, b.weights.mlp_in_bias, rows, out + token * b.channels);
    });
  });
}

}  // namespace

template <typename S>
Tensor forward_pass(const BlockParts<S>& b, const Tensor& x, Saved& saved) {
  const Index coarse_tokens = b.pyramid.tokens() - b.pyramid.finest();
  saved.coarse = torch::empty({coarse_tokens, b.channels}, b.sums);
  saved.qkv = torch::empty({b.pyramid.tokens(), 3 * b.inner}, b.operands);
  saved.attended = torch::empty({b.pyramid.finest(), b.channels}, b.sums);
  const Tensor r = torch::empty({coarse_tokens, b.channels}, b.sums);
  saved.from_up = std::is_same_v<S, Sum<S>> ? r : torch::empty({coarse_tokens, b.channels}, b.operands);
  if (b.mlp_taps.defined()) saved.hidden = torch::empty({b.pyramid.finest(), b.hidden}, b.operands);
  const Tensor out = torch::empty({b.pyramid.finest(), b.channels}, b.sums);

  sample_down(b, data_of<Sum<S>>(x), saved.coarse);
  project(b, data_of<Sum<S>>(x), b.pyramid.finest(), data_of<S>(saved.qkv));
  project(b, data_of<Sum<S>>(saved.coarse), coarse_tokens,
          data_of<S>(saved.qkv) + b.pyramid.finest() * 3 * b.inner);
  for (int l = b.levels(); l-- > 0;)
    attend_and_sample_up(b, l, data_of<Sum<S>>(x), saved, data_of<Sum<S>>(r), data_of<Sum<S>>(out));
  if (saved.hidden.defined()) convolved_mlp(b, saved, data_of<Sum<S>>(out));
  return out;
}

template Tensor forward_pass(const BlockParts<float>&, const Tensor&, Saved&);
template Tensor forward_pass(const BlockParts<double>&, const Tensor&, Saved&);
template Tensor forward_pass(const BlockParts<BFloat16>&, const Tensor&, Saved&);

}  // namespace mano
