#include "surrogate/networks/block_passes.hpp"

#include "surrogate/kernels/attention.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;
using Index = std::int64_t;

namespace {

template <typename T>
T* data(const Tensor& t) {
  return t.defined() ? reinterpret_cast<T*>(t.data_ptr()) : nullptr;
}

// body(begin, count) for all of `tokens`, at most a piece at a time.
template <typename Body>
void in_pieces(Index tokens, const Body& body) {
  for (Index begin = 0; begin < tokens; begin += kPieceTokens)
    body(begin, std::min(kPieceTokens, tokens - begin));
}

}  // namespace

Pyramid::Pyramid(const Tensor& x, const Architecture& a) : batch(static_cast<int>(x.size(0))) {
  int height = static_cast<int>(x.size(1));
  int width = static_cast<int>(x.size(2));
  const int count = a.levels_for(height, width);
  Index offset = 0;
  for (int l = 0; l < count; ++l) {
    const Index tokens = static_cast<Index>(batch) * height * width;
    levels.push_back({height, width, offset, tokens});
    offset += tokens;
    height = (height + a.rate - 1) / a.rate;
    width = (width + a.rate - 1) / a.rate;
  }
}

template <typename S>
BlockPasses<S>::BlockPasses(const BlockWeights& weights, const Architecture& architecture,
                            const Pyramid& pyramid)
    : w_(weights),
      a_(architecture),
      p_(pyramid),
      channels_(a_.dim),
      inner_(static_cast<Index>(a_.heads) * a_.dim_head),
      hidden_(a_.mlp),
      block_(static_cast<Index>(a_.rate) * a_.rate * a_.dim) {
  sums_ = weights.to_qkv.options().requires_grad(false);
  operands_ = std::is_same_v<S, BFloat16> ? sums_.dtype(torch::kBFloat16) : sums_;
  const auto convert = [&](const Tensor& t) { return t.detach().to(operands_).contiguous(); };
  to_qkv_ = convert(w_.to_qkv);
  if (w_.to_out.defined()) to_out_ = convert(w_.to_out);
  mlp_in_ = convert(w_.mlp_in);
  mlp_out_ = convert(w_.mlp_out);
  if (levels() > 1) {
    const auto matrix = [&](const Tensor& t) {
      return convert(t.permute({0, 2, 3, 1}).reshape({channels_, block_}));
    };
    if (w_.down.defined()) {
      down_ = matrix(w_.down);
      up_ = matrix(w_.up);
    } else {  // the average, and the nearest
      const auto copies = torch::eye(channels_, sums_).repeat({1, a_.rate * a_.rate});
      down_ = convert(copies / (a_.rate * a_.rate));
      up_ = convert(copies);
    }
  }
  fill_cover();
}

// --- Layout ------------------------------------------------------------------------------------------------------------

template <typename S>
LevelShape BlockPasses<S>::level_shape(int fine) const {
  return {p_.levels[fine].height, p_.levels[fine].width, a_.rate, a_.dim};
}

template <typename S>
AttentionShape BlockPasses<S>::attention_shape(int l) const {
  return {1, p_.levels[l].height, p_.levels[l].width, a_.heads, a_.dim_head, a_.window, a_.stride};
}

template <typename S>
NormWeights<Sum<S>> BlockPasses<S>::attention_norm() const {
  return {data<A>(w_.outer_norm.weight), data<A>(w_.outer_norm.bias), data<A>(w_.inner_norm.weight),
          data<A>(w_.inner_norm.bias)};
}

template <typename S>
NormWeights<Sum<S>> BlockPasses<S>::mlp_norm() const {
  return {data<A>(w_.mlp_norm.weight), data<A>(w_.mlp_norm.bias)};
}

template <typename S>
const S* BlockPasses<S>::operand(const Tensor& weight) const {
  return data<S>(weight);
}

template <typename S>
const S* BlockPasses<S>::as_operand(const A* x, Index count, Buffer<S>& converted) const {
  if constexpr (std::is_same_v<S, A>) {
    return x;
  } else {
    S* to = converted.get(count);
    kernels_.convert(count, x, to);
    return to;
  }
}

template <typename S>
Sum<S>* BlockPasses<S>::level_rows(const Tensor& coarse, int l) const {
  return data<A>(coarse) + (p_.levels[l].offset - p_.finest()) * channels_;
}

// Tokens that no window holds get no bias of the output map.
template <typename S>
void BlockPasses<S>::fill_cover() {
  if (a_.stride == 1 || !w_.to_out.defined()) return;
  std::vector<Tensor> levels;
  for (const TokenLevel& level : p_.levels) {
    levels.push_back(
        covered_tokens(level.height, level.width, a_.window, a_.stride, sums_).flatten().repeat({p_.batch}));
  }
  cover_ = torch::cat(levels);
}

template <typename S>
template <typename Memory, typename Body>
void BlockPasses<S>::for_level(int l, const Body& body) const {
  const TokenLevel& level = p_.levels[l];
  if (coarsest(l)) {
    for_pieces<Memory>(
        static_cast<Index>(p_.batch) * level.height, level.width,
        [&](Memory& memory, Index first, Index last, bool) {
          body(memory, Piece{first, last, first * level.width, (last - first) * level.width, 0, 0});
        });
    return;
  }
  const TokenLevel& next = p_.levels[l + 1];
  // The first row of this level that row `row` of the next one, of all images, stands for.
  const auto fine_row = [&](Index row) {
    return row / next.height * level.height + std::min<Index>(row % next.height * a_.rate, level.height);
  };
  for_pieces<Memory>(static_cast<Index>(p_.batch) * next.height, static_cast<Index>(a_.rate) * level.width,
                     [&](Memory& memory, Index first, Index last, bool) {
                       const Index token = fine_row(first) * level.width;
                       body(memory, Piece{first, last, token, fine_row(last) * level.width - token,
                                          first * next.width, (last - first) * next.width});
                     });
}

// visit(image, begin, end, tokens before it in the piece), rows of level l.
template <typename S>
template <typename Visit>
void BlockPasses<S>::for_level_images(int l, const Piece& piece, const Visit& visit) const {
  const int width = p_.levels[l].width;
  for_images(p_.levels[l].height, piece.token / width, (piece.token + piece.tokens) / width,
             [&, before = Index{0}](int image, int begin, int end) mutable {
               visit(image, begin, end, before);
               before += static_cast<Index>(end - begin) * width;
             });
}

// --- Forward -----------------------------------------------------------------------------------------------------------

// Blocks of rows [first, last) of level fine + 1, of all images.
template <typename S>
void BlockPasses<S>::gather(int fine, Index first, Index last, const A* tokens, A factor, bool zero_outside,
                            S* blocks) const {
  const LevelShape shape = level_shape(fine);
  const Index image_tokens = static_cast<Index>(shape.height) * shape.width;
  for_images(shape.coarse_height(), first, last, [&](int image, int begin, int end) {
    kernels_.gather_blocks(shape, begin, end, tokens + image * image_tokens * channels_, factor, zero_outside,
                           blocks);
    blocks += static_cast<Index>(end - begin) * shape.coarse_width() * block_;
  });
}

template <typename S>
void BlockPasses<S>::scatter(int fine, Index first, Index last, const S* blocks, A factor, bool repeated,
                             A* tokens) const {
  const LevelShape shape = level_shape(fine);
  const Index image_tokens = static_cast<Index>(shape.height) * shape.width;
  for_images(shape.coarse_height(), first, last, [&](int image, int begin, int end) {
    kernels_.scatter_blocks(shape, begin, end, blocks, factor, repeated,
                            tokens + image * image_tokens * channels_);
    blocks += static_cast<Index>(end - begin) * shape.coarse_width() * block_;
  });
}

// z_1 ... from x.
template <typename S>
void BlockPasses<S>::sample_down(const A* x, const Tensor& coarse) const {
  struct Memory {
    Buffer<S> blocks, product;
  };
  for (int l = 1; l < levels(); ++l) {
    const TokenLevel& level = p_.levels[l];
    const A* fine = l == 1 ? x : level_rows(coarse, l - 1);
    for_pieces<Memory>(
        static_cast<Index>(p_.batch) * level.height, static_cast<Index>(level.width) * a_.rate * a_.rate,
        [&](Memory& memory, Index first, Index last, bool) {
          const Index n = (last - first) * level.width;
          S* blocks = memory.blocks.get(n * block_);
          S* product = memory.product.get(n * channels_);
          gather(l - 1, first, last, fine, 1, false, blocks);
          multiply(Layout::plain, Layout::transposed, n, channels_, block_, blocks, operand(down_), product);
          kernels_.add_biased(n, a_.dim, nullptr, product, nullptr, nullptr,
                              level_rows(coarse, l) + first * level.width * channels_);
        });
  }
}

template <typename S>
void BlockPasses<S>::project(const A* x, Index tokens, S* qkv) const {
  struct Memory {
    Buffer<S> normalized;
  };
  for_pieces<Memory>(tokens, 1, [&](Memory& memory, Index first, Index last, bool) {
    S* normalized = memory.normalized.get((last - first) * channels_);
    kernels_.normalize(last - first, a_.dim, x + first * channels_, attention_norm(), normalized);
    multiply(Layout::plain, Layout::transposed, last - first, 3 * inner_, channels_, normalized,
             operand(to_qkv_), qkv + first * 3 * inner_);
  });
}

// Attention of the tokens of a piece; qkv of all levels.
template <typename S>
void BlockPasses<S>::attend(int l, const Piece& piece, const S* qkv, Buffer<A>& scratch, S* attended) const {
  const AttentionShape shape = attention_shape(l);
  A* memory = scratch.get(static_cast<Index>(kernels_.attention_scratch(shape)));
  const Index image_tokens = static_cast<Index>(shape.height) * shape.width;
  for_level_images(l, piece, [&](int image, int begin, int end, Index before) {
    kernels_.attention(shape, begin, end, qkv + (p_.levels[l].offset + image * image_tokens) * 3 * inner_,
                       attended + before * inner_, memory);
  });
}

// Level l of r, and on the finest level the rest of the block.
template <typename S>
void BlockPasses<S>::attend_and_sample_up(int l, const A* x, const Saved& saved, A* r, A* out) const {
  struct Memory {
    Buffer<S> attended, mapped, blocks, normalized, hidden;
    Buffer<A> scratch;
  };
  const Index offset = p_.levels[l].offset;
  S* from_up = data<S>(saved.from_up);
  const auto coarse = [&](int level) { return (p_.levels[level].offset - p_.finest()) * channels_; };
  A* level = l == 0 ? data<A>(saved.attended) : r + coarse(l);
  for_level<Memory>(l, [&](Memory& memory, const Piece& piece) {
    S* attended = memory.attended.get(piece.tokens * inner_);
    attend(l, piece, data<S>(saved.qkv), memory.scratch, attended);
    in_pieces(piece.tokens, [&](Index begin, Index n) {
      const S* mapped = attended + begin * inner_;
      if (to_out_.defined()) {
        S* product = memory.mapped.get(n * channels_);
        multiply(Layout::plain, Layout::transposed, n, channels_, inner_, mapped, operand(to_out_), product);
        mapped = product;
      }
      const Index token = piece.token + begin;
      kernels_.add_biased(
          n, a_.dim, l == 0 ? x + token * channels_ : nullptr, mapped, data<A>(w_.to_out_bias),
          cover_.defined() ? data<A>(cover_) + offset + token : nullptr, level + token * channels_);
    });
    if (!coarsest(l)) {
      S* blocks = memory.blocks.get(piece.next_tokens * block_);
      multiply(Layout::plain, Layout::plain, piece.next_tokens, block_, channels_,
               from_up + coarse(l + 1) + piece.next_token * channels_, operand(up_), blocks);
      scatter(l, piece.first, piece.last, blocks, static_cast<A>(up_factor(l)), false, level);
    }
    const Index at = piece.token * channels_;
    if (l > 0) {
      if (!std::is_same_v<S, A>)
        kernels_.convert(piece.tokens * channels_, level + at, from_up + coarse(l) + at);
      return;
    }
    in_pieces(piece.tokens, [&](Index begin, Index n) {
      const Index token = piece.token + begin;
      mlp(memory, n, level + token * channels_, out + token * channels_);
    });
  });
}

template <typename S>
template <typename Memory>
void BlockPasses<S>::mlp(Memory& memory, Index n, const A* attended, A* out) const {
  S* normalized = memory.normalized.get(n * channels_);
  S* hidden = memory.hidden.get(n * hidden_);
  kernels_.normalize(n, a_.dim, attended, mlp_norm(), normalized);
  multiply(Layout::plain, Layout::transposed, n, hidden_, channels_, normalized, operand(mlp_in_), hidden);
  kernels_.gelu(n, a_.mlp, hidden, data<A>(w_.mlp_in_bias), hidden);
  multiply(Layout::plain, Layout::transposed, n, channels_, hidden_, hidden, operand(mlp_out_), normalized);
  kernels_.add_biased(n, a_.dim, attended, normalized, data<A>(w_.mlp_out_bias), nullptr, out);
}

template <typename S>
Tensor BlockPasses<S>::forward(const Tensor& x, Saved& saved) {
  const Index coarse_tokens = p_.tokens() - p_.finest();
  saved.coarse = torch::empty({coarse_tokens, channels_}, sums_);
  saved.qkv = torch::empty({p_.tokens(), 3 * inner_}, operands_);
  saved.attended = torch::empty({p_.finest(), channels_}, sums_);
  const Tensor r = torch::empty({coarse_tokens, channels_}, sums_);
  saved.from_up = std::is_same_v<S, A> ? r : torch::empty({coarse_tokens, channels_}, operands_);
  const Tensor out = torch::empty({p_.finest(), channels_}, sums_);

  sample_down(data<A>(x), saved.coarse);
  project(data<A>(x), p_.finest(), data<S>(saved.qkv));
  project(data<A>(saved.coarse), coarse_tokens, data<S>(saved.qkv) + p_.finest() * 3 * inner_);
  for (int l = levels(); l-- > 0;) attend_and_sample_up(l, data<A>(x), saved, data<A>(r), data<A>(out));
  return out;
}

// --- Backward ----------------------------------------------------------------------------------------------------------

// Gradients of weights, one after the other in the row of each thread.
template <typename S>
struct BlockPasses<S>::Gradients {
  A *outer_weight, *outer_bias, *inner_weight, *inner_bias, *to_qkv, *to_out, *to_out_bias, *down, *up,
      *mlp_weight, *mlp_bias, *mlp_in, *mlp_in_bias, *mlp_out, *mlp_out_bias;
  Index count = 0;

  Gradients(const BlockPasses& b, A* at) {
    const Index c = b.channels_;
    const auto take = [&](A*& pointer, Index n) {
      pointer = at != nullptr ? at + count : nullptr;
      count += n;
    };
    take(outer_weight, c);
    take(outer_bias, c);
    take(inner_weight, c);
    take(inner_bias, c);
    take(to_qkv, 3 * b.inner_ * c);
    take(to_out, b.to_out_.defined() ? c * b.inner_ : 0);
    take(to_out_bias, b.to_out_.defined() ? c : 0);
    take(down, b.levels() > 1 ? c * b.block_ : 0);
    take(up, b.levels() > 1 ? c * b.block_ : 0);
    take(mlp_weight, c);
    take(mlp_bias, c);
    take(mlp_in, b.hidden_ * c);
    take(mlp_in_bias, b.hidden_);
    take(mlp_out, c * b.hidden_);
    take(mlp_out_bias, c);
  }

  static Gradients mine(const BlockPasses& b, Tensor& sums) {
    return Gradients(b, data<A>(sums) + at::get_thread_num() * sums.size(1));
  }
};

template <typename S>
template <typename Memory>
void BlockPasses<S>::mlp_backward(Memory& memory, Gradients& g, Index n, const A* attended, const A* d_out,
                                  A* d_attended) const {
  const S* d = as_operand(d_out, n * channels_, memory.converted);
  S* hidden = memory.hidden.get(n * hidden_);
  S* d_hidden = memory.d_hidden.get(n * hidden_);
  S* normalized = memory.normalized.get(n * channels_);
  // Computing the hidden numbers anew is one product of thirty; keeping them would be an eighth of what is kept.
  kernels_.normalize(n, a_.dim, attended, mlp_norm(), normalized);
  multiply(Layout::plain, Layout::transposed, n, hidden_, channels_, normalized, operand(mlp_in_), hidden);
  multiply(Layout::plain, Layout::plain, n, hidden_, channels_, d, operand(mlp_out_), d_hidden);
  kernels_.gelu_backward(n, a_.mlp, hidden, data<A>(w_.mlp_in_bias), d_hidden, hidden, d_hidden,
                         g.mlp_in_bias);
  add_transposed_product(channels_, hidden_, n, d, hidden, g.mlp_out);
  kernels_.add_column_sums(n, a_.dim, d_out, nullptr, g.mlp_out_bias);
  add_transposed_product(hidden_, channels_, n, d_hidden, normalized, g.mlp_in);
  multiply(Layout::plain, Layout::plain, n, channels_, hidden_, d_hidden, operand(mlp_in_), normalized);
  kernels_.normalize_backward(n, a_.dim, attended, mlp_norm(), normalized, d_out, d_attended,
                              {g.mlp_weight, g.mlp_bias});
}

// From the gradient of level l of r, on the finest level from that of the result: that of its attention, and of level l + 1
// of r. d_r begins with level 0.
template <typename S>
void BlockPasses<S>::sample_up_backward(int l, const Saved& saved, const A* d_out, A* d_r, S* d_attended,
                                        Tensor& sums) const {
  struct Memory {
    Buffer<S> converted, hidden, d_hidden, normalized, attended, blocks, product;
    Buffer<A> scratch;
  };
  const Index offset = p_.levels[l].offset;
  A* level = d_r + offset * channels_;
  for_level<Memory>(l, [&](Memory& memory, const Piece& piece) {
    Gradients g = Gradients::mine(*this, sums);
    if (l == 0) {
      in_pieces(piece.tokens, [&](Index begin, Index n) {
        const Index token = piece.token + begin;
        mlp_backward(memory, g, n, data<A>(saved.attended) + token * channels_, d_out + token * channels_,
                     level + token * channels_);
      });
    }
    const A* d_rows = level + piece.token * channels_;
    const S* d = as_operand(d_rows, piece.tokens * channels_, memory.converted);
    S* d_attended_rows = d_attended + (offset + piece.token) * inner_;
    if (to_out_.defined()) {
      S* attended = memory.attended.get(piece.tokens * inner_);
      attend(l, piece, data<S>(saved.qkv), memory.scratch, attended);
      add_transposed_product(channels_, inner_, piece.tokens, d, attended, g.to_out);
      kernels_.add_column_sums(piece.tokens, a_.dim, d_rows,
                               cover_.defined() ? data<A>(cover_) + offset + piece.token : nullptr,
                               g.to_out_bias);
      multiply(Layout::plain, Layout::plain, piece.tokens, inner_, channels_, d, operand(to_out_),
               d_attended_rows);
    } else {
      std::copy(d, d + piece.tokens * channels_, d_attended_rows);
    }
    if (coarsest(l)) return;
    const Index next = p_.levels[l + 1].offset;
    S* blocks = memory.blocks.get(piece.next_tokens * block_);
    S* product = memory.product.get(piece.next_tokens * channels_);
    gather(l, piece.first, piece.last, level, static_cast<A>(up_factor(l)), true, blocks);
    add_transposed_product(channels_, block_, piece.next_tokens,
                           data<S>(saved.from_up) + (next - p_.finest() + piece.next_token) * channels_,
                           blocks, g.up);
    multiply(Layout::plain, Layout::transposed, piece.next_tokens, channels_, block_, blocks, operand(up_),
             product);
    kernels_.add_biased(piece.next_tokens, a_.dim, nullptr, product, nullptr, nullptr,
                        d_r + (next + piece.next_token) * channels_);
  });
}

// Through the attention, the map to q, k, v and the norms of level l: d_x = past + what comes back, x and d_x of that level.
template <typename S>
void BlockPasses<S>::project_backward(int l, const A* x, const S* qkv, const S* d_attended, const A* past,
                                      A* d_x, Tensor& sums) const {
  struct Memory {
    Buffer<S> d_qkv, normalized;
    Buffer<A> scratch;
  };
  const TokenLevel& level = p_.levels[l];
  const AttentionShape shape = attention_shape(l);
  const Index image_tokens = static_cast<Index>(level.height) * level.width;
  for_pieces<Memory>(
      static_cast<Index>(p_.batch) * level.height, level.width,
      [&](Memory& memory, Index first, Index last, bool begins) {
        Gradients g = Gradients::mine(*this, sums);
        const Index n = (last - first) * level.width;
        const Index at = first * level.width * channels_;
        S* d_qkv = memory.d_qkv.get(n * 3 * inner_);
        A* scratch = memory.scratch.get(static_cast<Index>(kernels_.attention_scratch(shape)));
        S* to = d_qkv;
        for_images(level.height, first, last, [&](int image, int begin, int end) {
          const Index token = level.offset + image * image_tokens;
          const bool continued = begin > 0 && !begins;
          kernels_.attention_backward(shape, begin, end, continued, qkv + token * 3 * inner_,
                                      d_attended + token * inner_, to, scratch);
          to += static_cast<Index>(end - begin) * level.width * 3 * inner_;
        });
        S* normalized = memory.normalized.get(n * channels_);
        kernels_.normalize(n, a_.dim, x + at, attention_norm(), normalized);
        add_transposed_product(3 * inner_, channels_, n, d_qkv, normalized, g.to_qkv);
        multiply(Layout::plain, Layout::plain, n, channels_, 3 * inner_, d_qkv, operand(to_qkv_), normalized);
        kernels_.normalize_backward(n, a_.dim, x + at, attention_norm(), normalized,
                                    past != nullptr ? past + at : nullptr, d_x + at,
                                    {g.outer_weight, g.outer_bias, g.inner_weight, g.inner_bias});
      });
}

// d_fine, of level l - 1, += what comes back from level l.
template <typename S>
void BlockPasses<S>::sample_down_backward(int l, const A* fine, const A* d_coarse, A* d_fine,
                                          Tensor& sums) const {
  struct Memory {
    Buffer<S> blocks, converted;
  };
  const TokenLevel& level = p_.levels[l];
  for_pieces<Memory>(
      static_cast<Index>(p_.batch) * level.height, static_cast<Index>(level.width) * a_.rate * a_.rate,
      [&](Memory& memory, Index first, Index last, bool) {
        Gradients g = Gradients::mine(*this, sums);
        const Index n = (last - first) * level.width;
        const S* d = as_operand(d_coarse + first * level.width * channels_, n * channels_, memory.converted);
        S* blocks = memory.blocks.get(n * block_);
        gather(l - 1, first, last, fine, 1, false, blocks);
        add_transposed_product(channels_, block_, n, d, blocks, g.down);
        multiply(Layout::plain, Layout::plain, n, block_, channels_, d, operand(down_), blocks);
        scatter(l - 1, first, last, blocks, 1, true, d_fine);
      });
}

template <typename S>
void BlockPasses<S>::take_gradients(const Tensor& sums, BlockWeights& d) const {
  const Tensor total = sums.sum(0);
  const Gradients at(*this, data<A>(total));
  const auto take = [&](const A* from, torch::IntArrayRef shape) {
    return total.narrow(0, from - data<A>(total), c10::multiply_integers(shape)).view(shape);
  };
  const auto sampling = [&](const A* from) {
    return take(from, {channels_, a_.rate, a_.rate, channels_}).permute({0, 3, 1, 2}).contiguous();
  };
  d.outer_norm = {take(at.outer_weight, {channels_}), take(at.outer_bias, {channels_})};
  d.inner_norm = {take(at.inner_weight, {channels_}), take(at.inner_bias, {channels_})};
  d.to_qkv = take(at.to_qkv, {3 * inner_, channels_});
  if (to_out_.defined()) {
    d.to_out = take(at.to_out, {channels_, inner_});
    d.to_out_bias = take(at.to_out_bias, {channels_});
  }
  if (w_.down.defined() && levels() > 1) {
    d.down = sampling(at.down);
    d.up = sampling(at.up);
  }
  d.mlp_norm = {take(at.mlp_weight, {channels_}), take(at.mlp_bias, {channels_})};
  d.mlp_in = take(at.mlp_in, {hidden_, channels_});
  d.mlp_in_bias = take(at.mlp_in_bias, {hidden_});
  d.mlp_out = take(at.mlp_out, {channels_, hidden_});
  d.mlp_out_bias = take(at.mlp_out_bias, {channels_});
}

template <typename S>
Tensor BlockPasses<S>::backward(const Tensor& x, const Saved& saved, const Tensor& d_out, BlockWeights& d) {
  Tensor sums = torch::zeros({at::get_num_threads(), Gradients(*this, nullptr).count}, sums_);
  const Tensor d_r = torch::empty({p_.tokens(), channels_}, sums_);
  const Tensor d_attended = torch::empty({p_.tokens(), inner_}, operands_);
  for (int l = 0; l < levels(); ++l)
    sample_up_backward(l, saved, data<A>(d_out), data<A>(d_r), data<S>(d_attended), sums);

  // The gradients of x, z_1 ... take the place of those of r_0, r_1 ..., which nobody reads any more.
  const auto z = [&](int l) { return l == 0 ? data<A>(x) : level_rows(saved.coarse, l); };
  const auto d_z = [&](int l) { return data<A>(d_r) + p_.levels[l].offset * channels_; };
  for (int l = 0; l < levels(); ++l)
    project_backward(l, z(l), data<S>(saved.qkv), data<S>(d_attended), l == 0 ? data<A>(d_r) : nullptr,
                     d_z(l), sums);
  for (int l = levels() - 1; l > 0; --l) sample_down_backward(l, z(l - 1), d_z(l), d_z(l - 1), sums);
  take_gradients(sums, d);
  return d_r.narrow(0, 0, p_.finest());
}

template class BlockPasses<float>;
template class BlockPasses<double>;
template class BlockPasses<BFloat16>;

}  // namespace mano
