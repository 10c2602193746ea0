// XCiT: attention among the d = C / h channels of a head instead of among the N tokens, and two small convolutions that carry what is near.
//   A. El-Nouby et al., XCiT: Cross-covariance image transformers, NeurIPS 2021, arXiv 2106.09681.
//
//   x <- x + g1 XCA(LN x);   x <- x + g3 LPI(LN x);   x <- x + g2 MLP(LN x)                      g: one number a channel
//   XCA:  A = softmax(tau Q^T K), d x d, each column of Q and K divided by its norm over the tokens;  V A^T; a linear map
//   LPI:  3x3 convolution of each channel, GELU, LN over the channels, 3x3 convolution of each channel
//   Before the first block: plus a linear map of sines and cosines of 2 pi (i + 1) / H / 10000^(j / 16), j = 0..15, the same for x.
//
// Differs from the published code: LPI's batch norm is a layer norm over the channels, because statistics of a batch would let its samples
// see each other and running ones fail with small batches; a group norm would carry values across the whole grid, which is XCA's part.
// Patches are one convolution instead of up to four with batch norms. No class token. Norms add 1e-5 to the variance, as elsewhere here.
//
// Cost: O(N C^2 / h) in time, O(N C) in memory; linear in the tokens.
// Other resolutions: A is a quotient of sums over the domain and tends to a limit under refinement. LPI's reach is counted in cells and
// shrinks. The last row is always at 2 pi, so places shift by half a cell.

#include <cmath>
#include <map>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Xcit : public TokenNetwork {
 public:
  Xcit(const Architecture& a, std::uint64_t seed) : TokenNetwork(a, seed) {
    const int64_t c = a.dim;
    positions_ = linear("pos_embed.token_projection", {c, 2 * kWaves, 1, 1});
    for (int n = 0; n < a.depth; ++n) blocks_.push_back(make_block("blocks." + std::to_string(n), a.heads));
    add_head();
  }

 protected:
  Tensor with_positions(const Tensor& tokens) const override {
    const auto weight = positions_.weight->flatten(1);
    return tokens + torch::linear(waves(tokens.size(1), tokens.size(2), weight), weight, *positions_.bias);
  }

  Tensor block(std::size_t n, const Tensor& tokens) const override {
    const Block& b = blocks_[n];
    auto x = tokens + *b.scale1 * b.out(cross_covariance_attention(b, b.qkv(b.norm1(tokens))));
    const auto local = b.local_norm(torch::gelu(depthwise(b.local1, b.norm3(x))));
    x = x + *b.scale3 * depthwise(b.local2, local);
    return x + *b.scale2 * b.mlp(b.norm2(x));
  }

 private:
  static constexpr int64_t kWaves = 32;  // an axis

  struct Block {
    Norm norm1, norm2, norm3, local_norm;
    Linear qkv, out, local1, local2;
    Mlp mlp;
    const Tensor *temperature, *scale1, *scale2, *scale3;
  };

  Block make_block(const std::string& name, int64_t heads) {
    const int64_t c = a_.dim;
    Block b;
    b.norm1 = norm(name + ".norm1", a_.dim);
    b.temperature = constant(name + ".attn.temperature", {heads, 1, 1}, 1.0);
    b.qkv = linear(name + ".attn.qkv", {3 * c, c});
    b.out = linear(name + ".attn.proj", {c, c});
    b.norm3 = norm(name + ".norm3", a_.dim);
    b.local1 = linear(name + ".local_mp.conv1", {c, 1, 3, 3});
    b.local_norm = norm(name + ".local_mp.norm", a_.dim);
    b.local2 = linear(name + ".local_mp.conv2", {c, 1, 3, 3});
    b.norm2 = norm(name + ".norm2", a_.dim);
    b.mlp = mlp(name + ".mlp");
    b.scale1 = constant(name + ".gamma1", {c}, 1.0);
    b.scale3 = constant(name + ".gamma3", {c}, 1.0);
    b.scale2 = constant(name + ".gamma2", {c}, 1.0);
    return b;
  }

  // [B, H, W, 3 C] -> [B, H, W, C]. The norms divide the d x d products, not the N x d factors: the same, with less memory.
  Tensor cross_covariance_attention(const Block& b, const Tensor& qkv) const {
    const int64_t batch = qkv.size(0), heads = a_.heads, d = a_.dim / heads;
    const auto parts = qkv.view({batch, -1, 3, heads, d}).permute({2, 0, 3, 1, 4});  // 3 of [B, h, N, d]
    const auto q = parts[0], k = parts[1], v = parts[2];
    const auto length = [](const Tensor& t) { return torch::norm(t, 2, {2}, false).clamp_min(1e-12); };
    const auto cosines =
        torch::matmul(q.transpose(2, 3), k) / (length(q).unsqueeze(3) * length(k).unsqueeze(2));
    const auto weights = torch::softmax(cosines * *b.temperature, 3);
    return torch::matmul(v, weights.transpose(2, 3))
        .transpose(1, 2)
        .reshape({batch, qkv.size(1), qkv.size(2), a_.dim});
  }

  // [1, H, W, 64] in the type and on the device of `like`; made once a size.
  Tensor waves(int64_t h, int64_t w, const Tensor& like) const {
    Tensor& kept = waves_[{h, w}];
    if (!kept.defined() || kept.device() != like.device() || kept.dtype() != like.dtype()) {
      const c10::InferenceMode no_inference(false);  // training may use it later
      const auto y = waves_of(h).view({1, h, 1, kWaves}).expand({1, h, w, kWaves});
      const auto x = waves_of(w).view({1, 1, w, kWaves}).expand({1, h, w, kWaves});
      kept = torch::cat({y, x}, 3).to(like.device(), like.scalar_type());
    }
    return kept;
  }

  static Tensor waves_of(int64_t n) {  // [n, 32]: sine and cosine in turn
    const auto exponent = torch::arange(kWaves / 2, torch::kDouble) * (2.0 / kWaves);
    const auto place = torch::arange(1, n + 1, torch::kDouble) * (2 * M_PI / (static_cast<double>(n) + 1e-6));
    const auto angle = torch::outer(place, torch::pow(1e4, -exponent));
    return torch::stack({angle.sin(), angle.cos()}, 2).flatten(1);
  }

  Linear positions_;
  std::vector<Block> blocks_;
  mutable std::map<std::pair<int64_t, int64_t>, Tensor> waves_;
};

}  // namespace

std::unique_ptr<Network> make_xcit(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Xcit>(architecture, seed);
}

}  // namespace mano
