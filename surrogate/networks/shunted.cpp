// Shunted transformer: every token attends to the whole domain, one half of the heads to keys merged from rate x rate tokens, the other
// half to keys merged from half as many each way, so that one layer sees coarse and fine at once.
//   S. Ren et al., Shunted self-attention via multi-scale token aggregation, CVPR 2022, arXiv 2111.15193.
//
//   x <- x + SSA(LN x);   x <- x + W2 GELU(t + D t),  t = W1 LN x
//   SSA, i = 1, 2 with r_1 = rate, r_2 = rate / 2:
//   m_i = GELU(LN(conv_i x)), kernel and stride r_i;   k_i, v_i = W_i m_i, C / 2 channels each
//   o_i = softmax(q_i k_i^T / sqrt(d)) (v_i + D_i v_i),   q_1, q_2 = Wq x;   out = Wo [o_1, o_2]         D: 3x3 convolution of each channel
//
// Written from the equations. Differs from the paper: where a rate does not divide the grid, the last block merges the tokens it has, its
// sum scaled by r^2 over their number; as published, the tokens of an incomplete block would never be read. One scale: the patches do
// not overlap and are merged for keys and values alone. Norms add 1e-5 to the variance, as elsewhere here.
//
// Cost: O(5/2 N^2 C / rate^2 + N C^2), quadratic in the tokens with a small factor.
// Other resolutions: any grid. Rates are counted in tokens, so a finer grid has more keys, each merged from a smaller part of the domain.

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Shunted : public TokenNetwork {
 public:
  Shunted(const Architecture& a, std::uint64_t seed) : TokenNetwork(a, seed) {
    for (int n = 0; n < a.depth; ++n) blocks_.push_back(make_block("blocks." + std::to_string(n)));
    add_head();
  }

 protected:
  Tensor block(std::size_t n, const Tensor& tokens) const override {
    const Block& b = blocks_[n];
    const auto normed = b.norm1(tokens);
    const auto q = b.query(normed).flatten(1, 2).chunk(2, 2);
    const auto seen = torch::cat({attend(b.coarse, q[0], normed), attend(b.fine, q[1], normed)}, 2);
    const auto x = tokens + b.out(seen.view(tokens.sizes()));
    const auto hidden = b.mlp.in(b.norm2(x));
    return x + b.mlp.out(torch::gelu(hidden + depthwise(b.detail, hidden)));
  }

 private:
  struct Keys {
    int64_t rate;
    Linear merge, to_kv, local;
    Norm norm;
  };
  struct Block {
    Norm norm1, norm2;
    Linear query, out, detail;
    Keys coarse, fine;
    Mlp mlp;
  };

  Block make_block(const std::string& name) {
    const int64_t c = a_.dim;
    Block b;
    b.norm1 = norm(name + ".norm1", a_.dim);
    b.query = linear(name + ".attn.q", {c, c});
    b.coarse = make_keys(name + ".attn.coarse", a_.rate);
    b.fine = make_keys(name + ".attn.fine", a_.rate / 2);
    b.out = linear(name + ".attn.proj", {c, c});
    b.norm2 = norm(name + ".norm2", a_.dim);
    b.mlp = mlp(name + ".mlp");
    b.detail = linear(name + ".mlp.detail", {a_.mlp, 1, 3, 3});
    return b;
  }

  Keys make_keys(const std::string& name, int64_t rate) {
    const int64_t c = a_.dim;
    Keys keys;
    keys.rate = rate;
    keys.merge = linear(name + ".merge", {c, c, rate, rate});
    keys.norm = norm(name + ".norm", a_.dim);
    keys.to_kv = linear(name + ".kv", {c, c});
    keys.local = linear(name + ".local", {c / 2, 1, 3, 3});
    return keys;
  }

  // Of q [B, N, C / 2], over keys merged from x [B, H, W, C].
  Tensor attend(const Keys& keys, const Tensor& q, const Tensor& x) const {
    const auto kv = keys.to_kv(torch::gelu(keys.norm(merge(keys, x)))).chunk(2, 3);
    const auto v = kv[1] + depthwise(keys.local, kv[1]);
    return attention(q, kv[0].flatten(1, 2), v.flatten(1, 2), a_.heads / 2);
  }

  static Tensor merge(const Keys& keys, const Tensor& x) {
    const int64_t r = keys.rate, h = x.size(1), w = x.size(2), rows = (h + r - 1) / r,
                  columns = (w + r - 1) / r;
    if (rows * r == h && columns * r == w)
      return keys.merge.convolve(x.permute({0, 3, 1, 2}), static_cast<int>(r), 0).permute({0, 2, 3, 1});
    const auto whole = torch::constant_pad_nd(x, {0, 0, 0, columns * r - w, 0, rows * r - h});
    const auto sums =
        torch::conv2d(whole.permute({0, 3, 1, 2}), *keys.merge.weight, {}, r).permute({0, 2, 3, 1});
    // r over the tokens that a block has along an axis of n.
    const auto share = [&](int64_t blocks, int64_t n) {
      auto s = torch::ones({blocks}, x.options());
      s.slice(0, blocks - 1).fill_(static_cast<double>(r) / static_cast<double>(n - (blocks - 1) * r));
      return s;
    };
    return sums * share(rows, h).view({rows, 1, 1}) * share(columns, w).view({columns, 1}) + *keys.merge.bias;
  }

  std::vector<Block> blocks_;
};

}  // namespace

std::unique_ptr<Network> make_shunted(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Shunted>(architecture, seed);
}

}  // namespace mano
