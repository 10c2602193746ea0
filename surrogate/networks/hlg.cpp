// HLG: attention within windows, then from every token to one embedding of every window. L. Zhang et al., arXiv 2207.09339 (IJCV 2024).
// One block, of tokens x, with LN a layer norm and B learned functions of an offset:
//   x  = x + W2 gelu(D gelu(W1 LN(x)))                                 D: 3x3 depthwise convolution; the MLP comes first, as published
//   q  = Wq LN(x),  v = Wv LN(x)
//   l  = softmax(q q^T / sqrt(d) + B_l) v       within each window: the keys are the queries; no output map
//   x' = x + l,   g = LN(mean of x' over each window)
//   x" = x' + Wo softmax((q + E LN(l)) (Wk g)^T / sqrt(d) + B_g) Wv g       E: 3x3 depthwise convolution
// Windows are blocks of the grid in the first, third ... block and combs over the whole grid, every m-th row and column, in the others.
//
// Cost: for m x m windows O(N^2 C / m^2) within them and O(N m^2 C) to their embeddings. This is linear in N only while N < m^4; beyond
// that it is 1/m^2 of full attention, still quadratic. m = N^(1/4) would be the best, O(N^1.5 C).
//
// Other resolutions: the number of windows is fixed, not, as published, their size in tokens. So a window is the same part of the domain
// and an embedding the same mean at every resolution. Offsets are measured in parts of the window (B_l) and of the domain (B_g). The
// convolutions are 3x3 tokens and shrink with the mesh. Windows of a grid that m does not divide differ by one row or column; what they
// lack is neither attended to nor counted in the mean. No parameter depends on the grid.
//
// Beyond that it differs from the published code, which lacks parts that it calls:
// - B_g is a function of the offset from the token to the centre of the window; the code takes the first columns of an N x N bias.
// - Layer norm before the MLP in place of batch norm in it and layer norm behind it. Batch norm's running statistics depend on the
//   resolutions and rocks seen in training.
// - No smoothing convolution between MLP and attention, no downsampling: the network has one scale.
// - Wk has no bias and B no last bias: softmax cancels both.

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <tuple>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Hlg : public TokenNetwork {
 public:
  Hlg(const Architecture& a, std::uint64_t seed) : TokenNetwork(a, seed) {
    const int64_t c = a.dim;
    for (int n = 0; n < a.depth; ++n) {
      const std::string name = "blocks." + std::to_string(n);
      Block b;
      b.norm_mlp = norm(name + ".norm_mlp", a.dim);
      b.mlp = mlp(name + ".mlp");
      b.mlp_conv = linear(name + ".mlp.dwconv", {a.mlp, 1, 3, 3});
      b.norm = norm(name + ".norm", a.dim);
      b.q = linear(name + ".attn.q", {c, c});
      b.v = linear(name + ".attn.v", {c, c});
      b.local_bias = offset_mlp(name + ".attn.local_bias");
      b.norm_window = norm(name + ".attn.norm_window", a.dim);
      b.norm_local = norm(name + ".attn.norm_local", a.dim);
      b.query_conv = linear(name + ".attn.query_conv", {c, 1, 3, 3});
      b.k = linear(name + ".attn.k", {c, c}, false);
      b.global_bias = offset_mlp(name + ".attn.global_bias");
      b.out = linear(name + ".attn.proj", {c, c});
      blocks_.push_back(b);
    }
    add_head();
  }

 protected:
  Tensor block(std::size_t n, const Tensor& tokens) const override {
    const Block& b = blocks_[n];
    const Windows& windows = windows_of(tokens, n % 2 == 1);
    const Tensor hidden = depthwise(b.mlp_conv, torch::gelu(b.mlp.in(b.norm_mlp(tokens))));
    const Tensor x = tokens + b.mlp.out(torch::gelu(hidden));
    const Tensor normed = b.norm(x), q = b.q(normed);
    const Tensor local = within_windows(b, windows, q, b.v(normed));
    const Tensor with_local = x + local;
    const Tensor embeddings = b.norm_window((to_windows(windows, with_local) * windows.share).sum(2));
    const Tensor queries = q + depthwise(b.query_conv, b.norm_local(local));
    const Tensor bias = b.global_bias(windows.to_centres).permute({2, 0, 1}).unsqueeze(0);
    const Tensor global = attention(queries.flatten(1, 2), b.k(embeddings), b.v(embeddings), a_.heads, bias);
    return with_local + b.out(global).view_as(x);
  }

 private:
  struct OffsetMlp {  // [..., 2] -> [..., heads]
    Linear in;
    std::array<Norm, 3> norms;
    std::array<Linear, 3> maps;
    Tensor operator()(const Tensor& offsets) const {
      Tensor x = in(offsets);
      for (std::size_t n = 0; n < maps.size(); ++n) x = maps[n](torch::relu(norms[n](x)));
      return x;
    }
  };

  struct Block {
    Norm norm_mlp, norm, norm_window, norm_local;
    Mlp mlp;
    Linear mlp_conv, q, k, v, out, query_conv;
    OffsetMlp local_bias, global_bias;
  };

  struct Windows {  // of a grid of N tokens; slots are the places in a window, some of which may be empty
    int64_t count = 0, slots = 0;
    Tensor token;       // [count slots] the token in each slot; some token where there is none
    Tensor place;       // [N] its inverse
    Tensor share;       // [count, slots, 1] of each slot in the mean
    Tensor empty;       // [count, 1, 1, slots] minus infinity where a slot is empty; undefined where none is
    Tensor offsets;     // [offsets, 2] between two slots, each once
    Tensor pairs;       // [slots slots] which of the offsets lies between two slots
    Tensor to_centres;  // [N, count, 2] from window to token
  };

  struct Axis {
    int64_t count = 0, side = 0;
    Tensor window, slot;  // of each row, [n]
    Tensor to_centres;    // from window to row, [n, count], in parts of the domain
  };

  OffsetMlp offset_mlp(const std::string& name) {
    const int width = std::max(8, a_.dim / 16);  // published: dim / 16 of dims from 64 on
    OffsetMlp m;
    m.in = linear(name + ".in", {width, 2});
    for (std::size_t n = 0; n < m.maps.size(); ++n) {
      const std::string number = "." + std::to_string(n);
      const bool last = n + 1 == m.maps.size();
      m.norms[n] = norm(name + ".norm" + number, width);
      m.maps[n] = linear(name + ".map" + number, {last ? a_.heads : width, width}, !last);
    }
    return m;
  }

  static Tensor to_windows(const Windows& windows, const Tensor& x) {  // [B, h, w, C] -> [B, count, slots, C]
    return x.flatten(1, 2)
        .index_select(1, windows.token)
        .view({x.size(0), windows.count, windows.slots, x.size(3)});
  }

  Tensor within_windows(const Block& b, const Windows& windows, const Tensor& q, const Tensor& v) const {
    const int64_t slots = windows.slots;
    // An embedding, not index_select: its gradient is a sum over rows, where the other adds them one by one.
    Tensor bias = torch::embedding(b.local_bias(windows.offsets), windows.pairs)
                      .view({1, slots, slots, a_.heads})
                      .permute({0, 3, 1, 2});
    if (windows.empty.defined()) bias = (bias + windows.empty).repeat({q.size(0), 1, 1, 1});
    const Tensor queries = to_windows(windows, q).flatten(0, 1);
    const Tensor local = attention(queries, queries, to_windows(windows, v).flatten(0, 1), a_.heads, bias);
    return local.view({q.size(0), windows.count * slots, a_.dim}).index_select(1, windows.place).view_as(q);
  }

  // Made once for each size.
  const Windows& windows_of(const Tensor& x, bool dilated) const {
    Windows& windows = windows_[{x.size(1), x.size(2), dilated}];
    const Tensor& made = windows.share;
    if (!made.defined() || made.device() != x.device() || made.dtype() != x.dtype()) {
      const c10::InferenceMode no_inference(false);  // training may use them later
      windows = make_windows(axis(x.size(1), dilated), axis(x.size(2), dilated));
      for (Tensor* t : {&windows.token, &windows.place, &windows.pairs}) *t = t->to(x.device());
      for (Tensor* t : {&windows.share, &windows.offsets, &windows.to_centres, &windows.empty})
        if (t->defined()) *t = t->to(x.options().requires_grad(false));
    }
    return windows;
  }

  Axis axis(int64_t n, bool dilated) const {
    Axis axis;
    const int64_t m = axis.count = std::min<int64_t>(a_.windows, n);  // none is empty
    axis.side = (n + m - 1) / m;
    const auto row = torch::arange(n, torch::kLong);
    axis.window = dilated ? row.remainder(m) : (row * m).floor_divide(n);
    axis.slot = dilated ? row.floor_divide(m) : row - (axis.window * n + m - 1).floor_divide(m);
    const auto place = (row.to(torch::kDouble) + 0.5) / n;
    const auto members = (axis.window.unsqueeze(0) == torch::arange(m).unsqueeze(1)).to(torch::kDouble);
    const auto centre = members.matmul(place) / members.sum(1);
    axis.to_centres = place.unsqueeze(1) - centre.unsqueeze(0);
    return axis;
  }

  static Windows make_windows(const Axis& y, const Axis& x) {
    const auto over_grid = [](const Tensor& of_y, const Tensor& of_x, int64_t times) {
      return (of_y.unsqueeze(1) * times + of_x.unsqueeze(0)).flatten();
    };
    Windows windows;
    windows.count = y.count * x.count;
    windows.slots = y.side * x.side;
    const auto window = over_grid(y.window, x.window, x.count);
    windows.place = window * windows.slots + over_grid(y.slot, x.slot, x.side);
    windows.token = torch::zeros({windows.count * windows.slots}, torch::kLong);
    windows.token.index_put_({windows.place}, torch::arange(window.size(0)));
    auto real = torch::zeros({windows.count * windows.slots}, torch::kDouble);
    real = real.index_fill_(0, windows.place, 1.0).view({windows.count, windows.slots, 1});
    windows.share = real / real.sum(1, true);
    if (window.size(0) < real.numel())
      windows.empty = torch::where(real > 0, 0.0, -std::numeric_limits<double>::infinity())
                          .view({windows.count, 1, 1, windows.slots});

    const auto apart = [](int64_t side) {  // of every two slots of one axis, from 0 on
      const auto slot = torch::arange(side);
      return slot.unsqueeze(1) - slot.unsqueeze(0) + side - 1;
    };
    const int64_t steps_y = 2 * y.side - 1, steps_x = 2 * x.side - 1;
    windows.pairs =
        (apart(y.side).view({y.side, 1, y.side, 1}) * steps_x + apart(x.side).view({1, x.side, 1, x.side}))
            .flatten();
    const auto parts = [](int64_t side) {
      return (torch::arange(2 * side - 1, torch::kDouble) - (side - 1)) / side;
    };
    const auto pair_of = [](const Tensor& of_y, const Tensor& of_x, at::IntArrayRef shape) {
      return torch::stack({of_y.expand(shape), of_x.expand(shape)}, -1);
    };
    windows.offsets = pair_of(parts(y.side).unsqueeze(1), parts(x.side).unsqueeze(0), {steps_y, steps_x})
                          .reshape({steps_y * steps_x, 2});
    const int64_t rows = y.window.size(0), columns = x.window.size(0);
    windows.to_centres =
        pair_of(y.to_centres.view({rows, 1, y.count, 1}), x.to_centres.view({1, columns, 1, x.count}),
                {rows, columns, y.count, x.count})
            .reshape({rows * columns, windows.count, 2});
    return windows;
  }

  std::vector<Block> blocks_;
  mutable std::map<std::tuple<int64_t, int64_t, bool>, Windows> windows_;
};

}  // namespace

std::unique_ptr<Network> make_hlg(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Hlg>(architecture, seed);
}

}  // namespace mano
