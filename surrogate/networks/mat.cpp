// MAT: attention within windows that reads valid tokens alone, for maps with missing cells. W. Li et al., arXiv 2203.15270 (CVPR 2022),
// written from the equations. A cell is missing where any of its input channels is not finite. m_i is 1 for a valid token, 0 for others;
// f is the leaky rectifier of slope 0.2 times sqrt(2). One block, within each window:
//   xh = x / |x|;   q, k = Wq xh, Wk xh;   v = Wv x
//   o_i = Wo sum_j a_ij v_j,   a_i = softmax_j(q_i.k_j / sqrt(d)) over the j with m_j = 1
//   y = f(Wf [x ; o]),   x = W2 f(W1 y)                                    neither residual nor norm, as published
//   m_i = 1 for every token that has read a valid one
// Windows are shifted by half their side in every second block, so validity grows from block to block. Behind the last block
//   x = x_0 + f(conv3x3(x)) 9 / (number of valid tokens under the 3x3)         x_0: before the first block
// The lift of a patch is scaled likewise, by its cells over its valid ones. A token is valid if any cell of its patch is. Tokens that
// nothing valid has reached hold zero. What a missing cell holds has no influence at all; with every cell valid this is plain
// attention within shifted windows.
//
// Cost: O(N K^2 C) for windows of K x K tokens, and O(N K^2) for the mask, which each sample has its own.
//
// Other resolutions: K is in tokens, so windows shrink with the mesh, and a hole needs about as many blocks as it is windows wide. Grids
// that K does not divide are padded with invalid tokens, which is exact. There is no positional term and no parameter of the grid's size.
//
// No head point by point: it would read a cell that is not there.
//
// It differs from the published code in this:
// - One stage at one scale, without style modulation and adversarial loss: a regression has one answer.
// - Invalid keys and those beyond a shifted window's seam get weight 0, not e^-100; validity does not pass the seam, which would join
//   opposite sides of the domain; a token that nothing valid has reached holds zero, not a mean of invalid ones, so the convolution
//   reads nothing of it.
// - Weights start as N(0, 1 / fan-in), as there, but are stored so and not scaled at every use: all networks share one optimiser.
// - Wk has no bias: softmax cancels it.

#include <array>
#include <cmath>
#include <map>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/rivals.hpp"
#include "surrogate/networks/token_layout.hpp"
#include "surrogate/networks/token_network.hpp"

namespace mano {

using torch::Tensor;

namespace {

class Mat : public TokenNetwork {
 public:
  Mat(const Architecture& a, std::uint64_t seed) : TokenNetwork(a, seed) {
    const int64_t c = a.dim;
    for (int n = 0; n < a.depth; ++n) {
      const std::string name = "blocks." + std::to_string(n);
      Block b;
      b.q = unit_gain(name + ".attn.q", {c, c});
      b.k = unit_gain(name + ".attn.k", {c, c}, false);
      b.v = unit_gain(name + ".attn.v", {c, c});
      b.out = unit_gain(name + ".attn.proj", {c, c});
      b.fuse = unit_gain(name + ".fuse", {c, 2 * c});
      b.fc1 = unit_gain(name + ".mlp.fc1", {a.mlp, c});
      b.fc2 = unit_gain(name + ".mlp.fc2", {c, a.mlp});
      blocks_.push_back(b);
    }
    conv_ = unit_gain("conv", {c, c, 3, 3});
    add_head();
  }

 protected:
  Tensor readable(const Tensor& input) const override {
    return torch::where(present(input), input, torch::zeros({}, input.options()));
  }

  Tensor blocks(Tensor x, const Tensor& input) const override {
    const Tensor share =  // of each patch's cells that are present, [B, h, w, 1]
        torch::avg_pool2d(present(input).to(x.dtype()), a_.patch).permute({0, 2, 3, 1});
    const Tensor valid = (share > 0).to(x.dtype());
    const Tensor start = x * valid / share.clamp_min(0.5 / (a_.patch * a_.patch));
    // The blocks hand on validity as one more channel.
    x = TokenNetwork::blocks(torch::cat({start, valid}, 3), input);
    return start + convolve_valid(x.slice(3, 0, a_.dim), x.slice(3, a_.dim).detach());
  }

  Tensor block(std::size_t n, const Tensor& tokens) const override {
    const int64_t k = a_.window, h = tokens.size(1), w = tokens.size(2);
    const Pair padded{(h + k - 1) / k * k, (w + k - 1) / k * k};
    // An axis that one window covers needs no shift.
    const Pair shift{n % 2 == 1 && padded[0] > k ? k / 2 : 0, n % 2 == 1 && padded[1] > k ? k / 2 : 0};
    Tensor x = torch::constant_pad_nd(tokens, {0, 0, 0, padded[1] - w, 0, padded[0] - h});
    x = to_windows(x.roll({-shift[0], -shift[1]}, {1, 2}), a_.window);
    x = in_windows(blocks_[n], x.slice(2, 0, a_.dim), x.slice(2, a_.dim).detach(),
                   seam(padded, shift, tokens));
    x = from_windows(x, a_.window, tokens.size(0), padded[0], padded[1]);
    return x.roll({shift[0], shift[1]}, {1, 2}).slice(1, 0, h).slice(2, 0, w);
  }

 private:
  using Pair = std::array<int64_t, 2>;    // of y, of x
  static constexpr double kNever = -1e4;  // the exponential is 0 in any precision

  struct Block {
    Linear q, k, v, out, fuse, fc1, fc2;
  };

  static Tensor present(const Tensor& input) { return torch::isfinite(input).all(1, true); }  // [B, 1, H, W]

  static Tensor leaky(const Tensor& x) { return torch::leaky_relu(x, 0.2) * M_SQRT2; }

  Linear unit_gain(const std::string& name, at::IntArrayRef shape, bool bias = true) {
    double fan_in = 1.0;
    for (std::size_t d = 1; d < shape.size(); ++d) fan_in *= static_cast<double>(shape[d]);
    Linear l;
    l.weight = normal(name + ".weight", shape, 1.0 / std::sqrt(fan_in));
    if (bias) l.bias = constant(name + ".bias", {shape[0]}, 0.0);
    return l;
  }

  // x [B windows, K K, C], valid [B windows, K K, 1], seam [windows, K K, K K] or undefined -> both after the block, in one.
  Tensor in_windows(const Block& b, const Tensor& x, const Tensor& valid, const Tensor& seam) const {
    Tensor mask = ((1.0 - valid) * kNever).view({x.size(0), 1, 1, x.size(1)});
    Tensor reads_any = valid.amax(1, true).expand_as(valid);
    if (seam.defined()) {
      const Tensor seams = seam.repeat({x.size(0) / seam.size(0), 1, 1});
      mask = mask + seams.unsqueeze(1);
      reads_any = (torch::matmul((seams == 0).to(x.dtype()), valid) > 0).to(x.dtype());
    }
    const Tensor direction = x / x.norm(2, {2}, true).clamp_min(1e-6);
    const Tensor read = b.out(attention(b.q(direction), b.k(direction), b.v(x), a_.heads, mask));
    const Tensor fused = leaky(b.fuse(torch::cat({x, read}, 2)));
    return torch::cat({b.fc2(leaky(b.fc1(fused))) * reads_any, reads_any}, 2);
  }

  Tensor convolve_valid(const Tensor& x, const Tensor& valid) const {
    const auto planes = [](const Tensor& t) { return t.permute({0, 3, 1, 2}); };
    const Tensor share = torch::avg_pool2d(planes(valid), 3, 1, 1);  // zeros around the grid count as invalid
    const Tensor out = leaky(conv_.convolve(planes(x), 1, 1));
    return (out * (share > 0).to(x.dtype()) / share.clamp_min(0.05)).permute({0, 2, 3, 1});
  }

  // [windows, K K, K K]: kNever between tokens that only the shift has brought together. Made once for each size.
  Tensor seam(Pair size, Pair shift, const Tensor& like) const {
    if (shift[0] == 0 && shift[1] == 0) return {};
    Tensor& seam = seams_[size];
    if (!seam.defined() || seam.device() != like.device() || seam.dtype() != like.dtype()) {
      const c10::InferenceMode no_inference(false);  // training may use it later
      const auto side = [&](int axis) {
        return (torch::arange(size[axis]) >= size[axis] - shift[axis]).to(torch::kLong);
      };
      const auto sides = side(0).view({1, -1, 1, 1}) * 2 + side(1).view({1, 1, -1, 1});
      const auto of_token = to_windows(sides, a_.window).squeeze(2);
      seam = torch::where(of_token.unsqueeze(1) == of_token.unsqueeze(2), 0.0, kNever)
                 .to(like.options().requires_grad(false));
    }
    return seam;
  }

  std::vector<Block> blocks_;
  Linear conv_;
  mutable std::map<Pair, Tensor> seams_;
};

}  // namespace

std::unique_ptr<Network> make_mat(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Mat>(architecture, seed);
}

}  // namespace mano
