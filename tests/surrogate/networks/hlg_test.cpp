// HLG: what lies in another window arrives by its embedding alone; windows are blocks and combs in turn, and the same part of the domain
// at every resolution.
#include "network_checks.hpp"
#include "surrogate/networks/rivals.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

using torch::Tensor;
using Weights = std::map<std::string, Tensor>;

Architecture tiny(int depth) {
  Architecture a = architecture_preset("small", Architecture::Model::hlg);
  a.dim = 4;
  a.heads = 2;
  a.mlp = 8;
  a.patch = 1;
  a.windows = 3;
  a.depth = depth;
  return a;
}

void clear(Weights& w, const std::string& name) {
  const torch::NoGradGuard no_grad;
  w.at(name + ".weight").zero_();
  if (w.count(name + ".bias") > 0) w.at(name + ".bias").zero_();
}

// Its last block has combs for windows, or blocks; nothing but attention joins tokens, wherever they lie in a window.
std::unique_ptr<Network> only_windows(bool combs, std::uint64_t seed) {
  auto network = double_network(tiny(combs ? 2 : 1), seed);
  Weights w = weights_of(*network);
  const torch::NoGradGuard no_grad;
  if (combs)  // the first block passes its input on
    for (const char* name : {"mlp.fc2", "attn.v", "attn.proj"}) clear(w, "blocks.0." + std::string(name));
  const std::string block = combs ? "blocks.1." : "blocks.0.";
  Tensor kernel = w.at(block + "mlp.dwconv.weight");
  kernel.zero_().select(2, 1).select(2, 1).fill_(1.0);
  clear(w, block + "attn.query_conv");
  clear(w, block + "attn.local_bias.map.2");
  return network;
}

Tensor rows(bool combs) {  // of the first window of 7
  return combs ? torch::tensor({0, 3, 6}) : torch::tensor({0, 1, 2});
}

Tensor columns(bool combs) {  // of 5
  return combs ? torch::tensor({0, 3}) : torch::tensor({0, 1});
}

Tensor first_window(bool combs) {
  auto in_y = torch::zeros({7, 1}, torch::kBool).index_fill_(0, rows(combs), true);
  auto in_x = torch::zeros({1, 5}, torch::kBool).index_fill_(1, columns(combs), true);
  return in_y.logical_and(in_x);
}

Tensor linear(const Weights& w, const std::string& name, const Tensor& x) {
  const auto bias = w.find(name + ".bias");
  return torch::linear(x, w.at(name + ".weight"), bias == w.end() ? Tensor() : bias->second);
}

Tensor norm(const Weights& w, const std::string& name, const Tensor& x) {
  return torch::layer_norm(x, {x.size(-1)}, w.at(name + ".weight"), w.at(name + ".bias"));
}

// A block written with matrices over all tokens: [N, N] within windows, [windows, N] for their means.
class Twin {
 public:
  Twin(const Architecture& a, Weights weights, int64_t height, int64_t width)
      : a_(a), w_(std::move(weights)), height_(height), width_(width) {}

  Tensor operator()(const Tensor& input) const {
    const auto embed = w_.at("patch_embed.proj.weight").flatten(1);
    Tensor x = torch::matmul(embed, input[0].flatten(1)).t() + w_.at("patch_embed.proj.bias");
    for (int n = 0; n < a_.depth; ++n) x = block(n, x);
    return linear(w_, "head", norm(w_, "norm", x)).view({height_, width_});
  }

 private:
  Tensor block(int n, Tensor x) const {
    const std::string name = "blocks." + std::to_string(n) + ".", attn = name + "attn.";
    const auto hidden = torch::gelu(linear(w_, name + "mlp.fc1", norm(w_, name + "norm_mlp", x)));
    x = x + linear(w_, name + "mlp.fc2", torch::gelu(conv(name + "mlp.dwconv", hidden)));
    const auto y = torch::arange(height_, torch::kDouble).unsqueeze(1).expand({height_, width_}).flatten();
    const auto along_x =
        torch::arange(width_, torch::kDouble).unsqueeze(0).expand({height_, width_}).flatten();
    const auto window_y = window(y, height_, n), window_x = window(along_x, width_, n);
    const auto same = (window_y.unsqueeze(1) == window_y).logical_and(window_x.unsqueeze(1) == window_x);
    const auto in_window = torch::stack({step(y, height_, n), step(along_x, width_, n)}, -1);
    const auto normed = norm(w_, name + "norm", x);
    const auto q = linear(w_, attn + "q", normed), v = linear(w_, attn + "v", normed);
    const auto outside = torch::where(same, 0.0, -INFINITY).to(torch::kDouble).unsqueeze(0);
    const auto local = attend(q, q, v, offsets_bias(attn + "local_bias", in_window) + outside);
    const auto sum = x + local;

    const auto label = window_y * a_.windows + window_x;
    auto members = (torch::arange(a_.windows * a_.windows).unsqueeze(1) == label).to(torch::kDouble);
    members = members / members.sum(1, true);
    const auto g = norm(w_, attn + "norm_window", torch::matmul(members, sum));
    const auto place = torch::stack({(y + 0.5) / height_, (along_x + 0.5) / width_}, -1);
    const auto to_centres = place.unsqueeze(1) - torch::matmul(members, place);
    const auto queries = q + conv(attn + "query_conv", norm(w_, attn + "norm_local", local));
    const auto global = attend(queries, linear(w_, attn + "k", g), linear(w_, attn + "v", g),
                               bias(attn + "global_bias", to_centres));
    return sum + linear(w_, attn + "proj", global);
  }

  Tensor window(const Tensor& at, int64_t n, int block) const {
    return block % 2 == 0 ? (at * a_.windows).floor_divide(n) : at.remainder(a_.windows);
  }

  // In parts of a window.
  Tensor step(const Tensor& at, int64_t n, int block) const {
    const int64_t side = (n + a_.windows - 1) / a_.windows;
    return at / static_cast<double>(block % 2 == 0 ? side : side * a_.windows);
  }

  Tensor offsets_bias(const std::string& name, const Tensor& place) const {
    return bias(name, place.unsqueeze(1) - place.unsqueeze(0));
  }

  Tensor bias(const std::string& name, const Tensor& offsets) const {  // [n, m, 2] -> [heads, n, m]
    Tensor x = linear(w_, name + ".in", offsets);
    for (const char* n : {"0", "1", "2"})
      x = linear(w_, name + ".map." + n, torch::relu(norm(w_, name + ".norm." + n, x)));
    return x.permute({2, 0, 1});
  }

  Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias) const {
    std::vector<Tensor> heads;
    const int64_t d = a_.dim / a_.heads;
    for (int64_t h = 0; h < a_.heads; ++h) {
      const auto part = [&](const Tensor& t) { return t.slice(1, h * d, (h + 1) * d); };
      const auto scores = torch::matmul(part(q), part(k).t()) / std::sqrt(static_cast<double>(d)) + bias[h];
      heads.push_back(torch::matmul(scores.softmax(1), part(v)));
    }
    return torch::cat(heads, 1);
  }

  Tensor conv(const std::string& name, const Tensor& x) const {
    const int64_t c = x.size(1);
    return torch::conv2d(x.t().reshape({1, c, height_, width_}), w_.at(name + ".weight"),
                         w_.at(name + ".bias"), 1, 1, 1, c)
        .view({c, -1})
        .t();
  }

  Architecture a_;
  Weights w_;
  int64_t height_, width_;
};

TEST(Hlg, IsItsEquations) {
  const torch::NoGradGuard no_grad;
  const Architecture a = tiny(2);
  const auto network = double_network(a, 1);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{7, 5}, {9, 6}}) {
    const auto input = smooth_input(2, height, width);
    const auto output = network->forward(input)[0][0];
    const auto expected = Twin(a, weights_of(*network), height, width)(input);
    EXPECT_LT((output - expected).abs().max().item<double>(), tolerance::kExact) << height;
  }
}

// Of all the numbers in a window at most C reach a window that does not adjoin it.
TEST(Hlg, OtherWindowsSeeAnEmbeddingOfRankC) {
  const Architecture a = tiny(1);
  const auto network = double_network(a, 2);
  const auto input = smooth_input(1, 15, 15).requires_grad_(true);
  const auto output = network->forward(input)[0][0];
  const auto jacobian =
      [&](int64_t first) {  // of a 4x4 of outputs by the first window's, without those next to another window
        std::vector<Tensor> rows;
        for (int64_t n = 0; n < 16; ++n) {
          const auto gradient =
              torch::autograd::grad({output[first + n / 4][first + n % 4]}, {input}, {}, true)[0];
          rows.push_back(gradient.slice(2, 0, 4).slice(3, 0, 4).flatten());
        }
        return at::linalg_svdvals(torch::stack(rows));
      };
  const auto far = jacobian(10), own = jacobian(0);
  EXPECT_GT(far[a.dim - 2].item<double>(),
            1e-9 * far[0].item<double>());  // a layer norm of C numbers has rank C - 1
  EXPECT_LT(far[a.dim].item<double>(), 1e-13 * own[0].item<double>());
  EXPECT_GT(own[a.dim].item<double>(), 1e-6 * own[0].item<double>());
}

TEST(Hlg, AttendsWithinBlocksAndCombsInTurn) {
  for (const bool combs : {false, true}) {
    const auto network = only_windows(combs, 3);
    Weights w = weights_of(*network);
    clear(w, combs ? "blocks.1.attn.proj" : "blocks.0.attn.proj");
    const auto input = smooth_input(1, 7, 5);
    auto other = input.clone();
    other.slice(2, 0, 1).slice(3, 0, 1) += 1.0;
    EXPECT_TRUE(torch::equal(changed_places(*network, input, other), first_window(combs))) << combs;
  }
}

TEST(Hlg, OrderWithinAWindowIsUnseenByOthers) {
  const torch::NoGradGuard no_grad;
  for (const bool combs : {false, true}) {
    const auto network = only_windows(combs, 4);
    const auto input = smooth_input(1, 7, 5);
    const auto window = [&](const Tensor& t) {
      return t.index_select(2, rows(combs)).index_select(3, columns(combs));
    };
    auto turned = input.clone(), raised = input.clone();
    turned.masked_scatter_(first_window(combs), window(input).flip({2}).contiguous());
    raised.masked_scatter_(first_window(combs), window(input).add(1.0).contiguous());
    const auto before = network->forward(input);
    const auto elsewhere = [&](const Tensor& other) {
      return (network->forward(other) - before)
          .abs()
          .masked_fill(first_window(combs), 0.0)
          .max()
          .item<double>();
    };
    EXPECT_LT(elsewhere(turned), tolerance::kExact) << combs;
    EXPECT_GT(elsewhere(raised), 1e-6) << combs;
    EXPECT_GT((network->forward(turned) - before).abs().max().item<double>(), 1e-3) << combs;
  }
}

TEST(Hlg, WindowsAreTheSamePartOfTheDomainAtTwiceTheResolution) {
  const torch::NoGradGuard no_grad;
  const auto network = only_windows(false, 5);
  Weights w = weights_of(*network);
  clear(w, "blocks.0.attn.global_bias.map.2");
  const auto twice = [](const Tensor& t) { return t.repeat_interleave(2, 2).repeat_interleave(2, 3); };
  const auto input = smooth_input(1, 6, 9);
  const auto difference = network->forward(twice(input)) - twice(network->forward(input));
  EXPECT_LT(difference.abs().max().item<double>(), tolerance::kExact);
}

TEST(Hlg, TakesGridsWithFewerRowsThanWindows) {
  EXPECT_EQ(double_network(tiny(2), 6)->forward(smooth_input(1, 2, 5)).sizes(),
            (std::vector<int64_t>{1, 1, 2, 5}));
}

TEST(Hlg, KeepsShapesAndDifferentiates) {
  expect_shapes_and_gradients(architecture_preset("small", Architecture::Model::hlg));
}

}  // namespace
}  // namespace mano
