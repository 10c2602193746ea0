// LIT, "Less is More: Pay Less Attention in Vision Transformers", Z. Pan et al., arXiv 2105.14217. Attention is dear where the tokens are
// many and finds little there that a convolution would not: the early stages have none.
//   stages 1, 2 (N, N / 4 tokens)      x = x + MLP(LN x)
//   stages 3, 4 (N / 16, N / 64)       x = x + Wo softmax(q k^T / sqrt(d) + B) v,  then  x = x + MLP(LN x)
//   between stages                     x = GELU(LN(D(x, offsets))),  offsets = conv(x), both with 2x2 kernels and stride 2
// D is a deformable convolution (deformable_convolution.hpp). Channels, heads and hidden channels double from stage to stage; depths are
// 1 : 1 : 3 : 1, as in LIT-S.
//
// Published for classification and, with a semantic FPN, for segmentation; here the decoder is a U-Net's (encoder_decoder.hpp). Other
// differences:
//   - B is an MLP of the way from query to key as a share of the domain, not a table for one grid (LIT-S) nor a vector for every place
//     (LIT-Ti), which fix the size of the grid.
//   - Layer norm over channels instead of batch normalisation, whose running statistics depend on how the batches were drawn.
//   - The offsets are a tenth of what their convolution gives: with an optimiser whose steps do not scale with the gradient this is the
//     published tenth of the learning rate. Their weights start at zero, as published: merging starts as a plain convolution.
//   - No dropped paths.
// The last row and column continue a grid that 8 patches do not divide; tokens beyond the grid are not attended to.
//
// Cost O(N C^2 + (N / 16)^2 C). At other resolutions the attention spans the same share of the domain, being global, and so does its bias;
// convolutions, merging and MLPs see cells.

#include <array>
#include <map>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/networks/deformable_convolution.hpp"
#include "surrogate/networks/encoder_decoder.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

using torch::Tensor;

namespace {

constexpr int kLitStages = 4;
constexpr int kLitBiasHidden = 16;

class Lit : public EncoderDecoder {
 public:
  Lit(const Architecture& a, std::uint64_t seed)
      : EncoderDecoder(a, kLitStages - 1, a.patch, Normalisation::cells, seed) {
    embed_ = linear("patch_embed.proj", {a.dim, a.channels_in, a.patch, a.patch});
    embed_norm_ = norm("patch_embed.norm", a.dim);
    for (int s = 0; s < kLitStages; ++s) stages_.push_back(stage(s));
    add_decoder();
  }

 protected:
  std::vector<Tensor> encode(const Tensor& input, Size grid) const override {
    std::vector<Tensor> maps;
    Tensor x = cell_norm(embed_norm_, embed_.convolve(input, a_.patch, 0));
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const Stage& stage = stages_[s];
      if (s > 0) x = merged(stage, x);
      Tensor tokens = x.permute({0, 2, 3, 1});
      for (const Block& block : stage.blocks) tokens = run(block, tokens, grid, a_.patch << s);
      x = tokens.permute({0, 3, 1, 2});
      maps.push_back(s >= 2 ? cell_norm(stage.norm, x) : x);
    }
    return maps;
  }

 private:
  struct Block {
    std::optional<SelfAttention> attention;  // none in the early stages
    Linear bias_in, bias_out;                // of the MLP that gives B
    TokenMlp mlp;
  };
  struct Stage {
    Linear offsets, merge;
    Norm merge_norm;
    std::vector<Block> blocks;
    Norm norm;  // of what the decoder gets; none in the early stages, whose channels are few
  };

  Stage stage(int s) {
    Stage made;
    const int64_t c = width(s);
    const std::string name = "stages." + std::to_string(s);
    if (s > 0) {
      made.offsets.weight = constant(name + ".merge.offset.weight", {8, c / 2, 2, 2}, 0.0);
      made.offsets.bias = constant(name + ".merge.offset.bias", {8}, 0.0);
      made.merge = linear(name + ".merge.conv", {c, c / 2, 2, 2});
      made.merge_norm = norm(name + ".merge.norm", width(s));
    }
    for (int n = 0; n < (s == 2 ? 3 : 1) * a_.depth; ++n)
      made.blocks.push_back(block(s, name + ".blocks." + std::to_string(n)));
    if (s >= 2) made.norm = norm(name + ".norm", width(s));
    return made;
  }

  Block block(int s, const std::string& name) {
    Block made;
    if (s >= 2) {
      const int heads = a_.heads << s;
      made.attention = self_attention(name + ".norm1", name + ".attn", width(s), heads);
      made.bias_in = linear(name + ".attn.position_bias.fc1", {kLitBiasHidden, 2});
      // A constant that all keys share would change nothing.
      made.bias_out = linear(name + ".attn.position_bias.fc2", {heads, kLitBiasHidden}, false);
    }
    made.mlp = token_mlp(name + ".norm2", name + ".mlp", width(s), a_.mlp << s);
    return made;
  }

  static Tensor merged(const Stage& stage, const Tensor& x) {
    const auto offsets = stage.offsets.convolve(x, 2, 0) * 0.1;
    const auto y = deformable_convolution(x, offsets, *stage.merge.weight, *stage.merge.bias, 2);
    return torch::gelu(cell_norm(stage.merge_norm, y));
  }

  // tokens [B, h, w, C], each of which stands for cell x cell points of the grid.
  Tensor run(const Block& block, Tensor tokens, Size grid, int64_t cell) const {
    if (block.attention) {
      const auto bias = bias_of(block, places_of(grid, cell, tokens.options()));
      tokens = (*block.attention)(tokens.flatten(1, 2), bias).view(tokens.sizes());
    }
    return block.mlp(tokens);
  }

  struct Places {
    Tensor ways;  // [2 h - 1, 2 w - 1, 2]: from query to key, shares of the domain
    Tensor
        beyond;  // [1, 1, 1, h w]: 0 for keys in the grid, far below zero for others; undefined where there are none
  };

  // [1, heads, h w, h w]. Entry (y, x, y', x') is the table's at (y' - y + h - 1, x' - x + w - 1): windows of the table, the last first.
  static Tensor bias_of(const Block& block, const Places& places) {
    const int64_t h = (places.ways.size(0) + 1) / 2, w = (places.ways.size(1) + 1) / 2;
    const auto table = block.bias_out(torch::gelu(block.bias_in(places.ways))).permute({2, 0, 1});
    const auto bias = table.unfold(1, h, 1).unfold(2, w, 1).flip({1, 2}).reshape({1, -1, h * w, h * w});
    return places.beyond.defined() ? bias + places.beyond : bias;
  }

  const Places& places_of(Size grid, int64_t cell, const torch::TensorOptions& options) const {
    Places& places = places_[{grid.height, grid.width, cell}];
    if (places.ways.defined() && places.ways.device() == options.device() &&
        places.ways.scalar_type() == c10::typeMetaToScalarType(options.dtype()))
      return places;
    const c10::InferenceMode no_inference(false);  // training may use them later
    places = made_places(grid, cell, options.requires_grad(false));
    return places;
  }

  Places made_places(Size grid, int64_t cell, const torch::TensorOptions& options) const {
    const int64_t whole = static_cast<int64_t>(a_.patch) << levels();
    const int64_t h = (grid.height + whole - 1) / whole * (whole / cell);
    const int64_t w = (grid.width + whole - 1) / whole * (whole / cell);
    const auto shares = [&](int64_t tokens, int64_t points) {
      return torch::arange(1 - tokens, tokens, torch::kDouble) *
             (static_cast<double>(cell) / static_cast<double>(points));
    };
    Places places;
    places.ways =
        torch::stack(torch::meshgrid({shares(h, grid.height), shares(w, grid.width)}, "ij"), 2).to(options);
    const int64_t rows = (grid.height + cell - 1) / cell, columns = (grid.width + cell - 1) / cell;
    if (rows < h || columns < w) {
      auto beyond = torch::full({1, 1, h, w}, -1e4);
      beyond.slice(2, 0, rows).slice(3, 0, columns).zero_();
      places.beyond = beyond.view({1, 1, 1, h * w}).to(options);
    }
    return places;
  }

  mutable std::map<std::array<int64_t, 3>, Places> places_;  // made once for each size
  Linear embed_;
  Norm embed_norm_;
  std::vector<Stage> stages_;
};

}  // namespace

std::unique_ptr<Network> make_lit(const Architecture& architecture, std::uint64_t seed) {
  return std::make_unique<Lit>(architecture, seed);
}

}  // namespace mano
