// Reguformer: attention of those queries alone that stand out. A. Ermilova et al., arXiv 2212.14246 (IEEE Access 12, 2024); its topQ variant,
// which is Informer's ProbSparse attention (H. Zhou et al., arXiv 2012.07436). One block, of N tokens x, with LN a layer norm:
//   q, k, v = Wq x, Wk x, Wv x;   M_i = max_j q_i.k_j - mean_j q_i.k_j    in each head
//   o_i = softmax_j(q_i.k_j / sqrt(d)) v_j for the u = min(N, factor ceil(ln N)) queries of largest M;   o_i = mean_j v_j for all others
//   x = LN(x + Wo o);   x = LN(x + W2 gelu(W1 x))                              norms behind the residuals, as published
//
// Cost: O(u N C) for the attention, and O(N^2 C) for M, in rows that are dropped at once: memory is O(N C). The published code estimates
// M from factor ceil(ln N) keys drawn at random for each query, at O(N ln N C); here the answer must not depend on chance, so M is taken
// over all keys. Selection has no gradient. Where two queries are nearly equal in M, rounding may decide which is kept.
//
// Other resolutions: no parameter depends on the grid, and M and the mean are quadratures over the domain. But u grows as ln N: of 256
// tokens 30 are kept, of 4096 45. The finer the grid, the more of it takes the mean; choose a larger factor there.
//
// Beyond that it differs from the published code:
// - The published M divides the sum over the sample by N; over all keys this is the mean.
// - Tokens are patches of the grid by a linear map, and no position is added: coordinates are among the inputs. Published are a circular
//   convolution along a well and sines of the index. A sequence is a grid of height 1 with patch 1.
// - Wk has no bias: it changes neither softmax nor M.

#include <algorithm>
#include <cmath>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Reguformer : public TokenNetwork {
 public:
  Reguformer(const Architecture& a, std::uint64_t seed) : TokenNetwork(a, seed) {
    const int64_t c = a.dim;
    for (int n = 0; n < a.depth; ++n) {
      const std::string name = "blocks." + std::to_string(n);
      Block b;
      b.q = linear(name + ".self_attn.q_proj", {c, c});
      b.k = linear(name + ".self_attn.k_proj", {c, c}, false);
      b.v = linear(name + ".self_attn.v_proj", {c, c});
      b.out = linear(name + ".self_attn.out_proj", {c, c});
      b.norm_attention = norm(name + ".self_attn_layer_norm", a.dim);
      b.fc1 = linear(name + ".fc1", {a.mlp, c});
      b.fc2 = linear(name + ".fc2", {c, a.mlp});
      b.norm_mlp = norm(name + ".final_layer_norm", a.dim);
      blocks_.push_back(b);
    }
    add_head();
  }

 protected:
  Tensor block(std::size_t n, const Tensor& tokens) const override {
    const Block& b = blocks_[n];
    const auto split = [&](const Tensor& t) {  // [B, h, w, C] -> [B, heads, N, d]
      return t.view({t.size(0), -1, a_.heads, a_.dim / a_.heads}).transpose(1, 2);
    };
    const Tensor attended = attend(split(b.q(tokens)), split(b.k(tokens)), split(b.v(tokens)));
    const Tensor x = b.norm_attention(tokens + b.out(attended.transpose(1, 2).reshape(tokens.sizes())));
    return b.norm_mlp(x + b.fc2(torch::gelu(b.fc1(x))));
  }

 private:
  struct Block {
    Linear q, k, v, out, fc1, fc2;
    Norm norm_attention, norm_mlp;
  };

  // All [B, heads, N, d].
  Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v) const {
    const Tensor kept = standing_out(q, k).unsqueeze(3).expand({-1, -1, -1, q.size(3)});
    const Tensor exact = at::scaled_dot_product_attention(q.gather(2, kept), k, v);
    return v.mean(2, true).expand_as(v).scatter(2, kept, exact);
  }

  // Indices [B, heads, u].
  Tensor standing_out(const Tensor& q, const Tensor& k) const {
    const torch::NoGradGuard no_grad;
    const int64_t tokens = q.size(2);
    const int64_t u = a_.factor * static_cast<int64_t>(std::ceil(std::log(static_cast<double>(tokens))));
    constexpr int64_t kRows = 128;  // of scores held at once
    const Tensor keys = k.transpose(2, 3);
    Tensor measure = -torch::matmul(q, k.mean(2).unsqueeze(3)).squeeze(3);
    for (int64_t row = 0; row < tokens; row += kRows) {
      const auto scores = torch::matmul(q.slice(2, row, row + kRows), keys);
      measure.slice(2, row, row + kRows) += scores.amax(3);
    }
    return std::get<1>(measure.topk(std::clamp<int64_t>(u, 1, tokens), 2, true, false));
  }

  std::vector<Block> blocks_;
};

}  // namespace

std::unique_ptr<Network> make_reguformer(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Reguformer>(architecture, seed);
}

}  // namespace mano
