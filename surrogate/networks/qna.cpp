// QnA: every token is the centre of a window and reads it, but with queries that are learned and the same at every token.
//   M. Arar, A. Shamir, A. Bermano, Learned queries for efficient local attention, CVPR 2022, arXiv 2112.11435.
//
//   x <- x + QnA(LN x);   x <- x + MLP(LN x)
//   s_lh(z) = q_lh . k_h(z) / sqrt(d),   l = 1..L queries of length 1 a head h,   k = Wk x,  v = Wv x
//   out_h(z) = sum_l  [ sum_n W_lhn exp(s_lh(z + n) + B_lhn) v_h(z + n) ]  /  [ sum_n exp(s_lh(z + n) + B_lhn) ],   then a linear map
//   n runs over the window x window places around z that lie in the grid. B: relative bias; W: weights of the places, of any sign.
// As q does not depend on z, both sums are convolutions of fields with the kernels W exp B and exp B: no window is ever unfolded. Zeros
// beyond the border add nothing to either sum, so that the border is exact.
//
// Differs from the published code: of a sample's scores the largest is subtracted, so that exp cannot overflow, and a score more than
// 60 below it counts as 60 below (a bias more than 20 as 20), so that no denominator vanishes, not even in float32. One scale: no strided
// layers, no layers of windowed self-attention. Queries start as normal numbers of variance 1 / d.
//
// Cost: O(N C (L + C) + N window^2 L C) in time, O(N L C) in memory whatever the window.
// Other resolutions: any grid. The window is counted in tokens, its reach in the domain shrinks under refinement.

#include <cmath>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"
#include "surrogate/networks/token_layout.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Qna : public TokenNetwork {
 public:
  Qna(const Architecture& a, std::uint64_t seed) : TokenNetwork(a, seed) {
    for (int n = 0; n < a.depth; ++n) blocks_.push_back(make_block("blocks." + std::to_string(n)));
    add_head();
  }

 protected:
  Tensor block(std::size_t n, const Tensor& tokens) const override {
    const Block& b = blocks_[n];
    const auto x = tokens + b.out(attend(b, b.norm1(tokens)));
    return x + b.mlp(b.norm2(x));
  }

 private:
  struct Block {
    Norm norm1, norm2;
    const Tensor *queries, *bias, *scale;  // [L, h, d], [L, h, K, K] twice
    Linear key, value, out;
    Mlp mlp;
  };

  Block make_block(const std::string& name) {
    const int64_t c = a_.dim, k = a_.window, heads = a_.heads, d = c / heads;
    Block b;
    b.norm1 = norm(name + ".norm1", a_.dim);
    b.queries = normal(name + ".attn.queries", {a_.queries, heads, d}, 1.0 / std::sqrt(d));
    b.key = linear(name + ".attn.key", {c, c}, false);
    b.value = linear(name + ".attn.value", {c, c}, false);
    b.bias = constant(name + ".attn.relative_bias", {a_.queries, heads, k, k}, 0.0);
    b.scale = normal(name + ".attn.scale", {a_.queries, heads, k, k}, 0.02);
    b.out = linear(name + ".attn.proj", {c, c}, false);
    b.norm2 = norm(name + ".norm2", a_.dim);
    b.mlp = mlp(name + ".mlp");
    return b;
  }

  // exp(s - max s), [B, H, W, L h]. Queries and key map are one linear map from C to L h; nothing as large as the keys is made.
  Tensor exponentials(const Block& b, const Tensor& x) const {
    const int64_t heads = a_.heads, d = a_.dim / heads;
    const auto length = torch::norm(*b.queries, 2, {2}, true) + 1e-6;
    const auto q = *b.queries / (length * std::sqrt(static_cast<double>(d)));
    const auto map = torch::matmul(q.unsqueeze(2), b.key.weight->view({1, heads, d, a_.dim}));
    const auto scores = torch::linear(x, map.view({a_.queries * heads, a_.dim}));
    return (scores - scores.detach().amax({1, 2}, true)).clamp_min(-60.0).exp();
  }

  // [B, H, W, C] -> [B, H, W, C]
  Tensor attend(const Block& b, const Tensor& x) const {
    const int64_t n = a_.queries, heads = a_.heads, d = a_.dim / heads, k = a_.window;
    const auto e = exponentials(b, x);
    const auto v = b.value(x);
    const auto ev = e.unflatten(3, {n, heads, 1}) * v.unflatten(3, {1, heads, d});
    const auto places = (*b.bias - b.bias->detach().amax({2, 3}, true)).clamp_min(-20.0).exp();
    const auto weights = (places * *b.scale).unsqueeze(2).expand({n, heads, d, k, k});
    const auto above = convolve(ev.flatten(3), weights).unflatten(3, {n, heads, d});
    const auto below = convolve(e, places).unflatten(3, {n, heads, 1});
    return (above / below).sum(3).flatten(3);
  }

  // Each channel with its own kernel, of [..., K, K].
  static Tensor convolve(const Tensor& x, const Tensor& kernels) {
    const int64_t k = kernels.size(-1);
    return mano::depthwise(x, kernels.reshape({-1, 1, k, k}), {});
  }

  std::vector<Block> blocks_;
};

}  // namespace

std::unique_ptr<Network> make_qna(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Qna>(architecture, seed);
}

}  // namespace mano
