// HLG: what lies in another window arrives by its embedding alone; windows are blocks and combs in turn, and the same part of the domain
// at every resolution.
#include "network_probe.hpp"

namespace mano {
namespace {

using torch::Tensor;

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

// Its last block has combs for windows, or blocks; nothing but attention joins tokens, wherever they lie in a window.
NetworkProbe only_windows(bool combs, std::uint64_t seed) {
  auto network = drawn_probe(tiny(combs ? 2 : 1), seed);
  if (combs)  // the first block passes its input on
    for (const char* name : {"mlp.fc2", "attn.v", "attn.proj"})
      network.silence("blocks.0." + std::string(name) + ".");
  const std::string block = combs ? "blocks.1." : "blocks.0.";
  network[block + "mlp.dwconv.weight"].zero_().select(2, 1).select(2, 1).fill_(1.0);
  network.silence(block + "attn.query_conv.");
  network.silence(block + "attn.local_bias.map.2.");
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

// A block written with matrices over all tokens: [N, N] within windows, [windows, N] for their means.
class Twin {
 public:
  Twin(const Architecture& a, const NetworkProbe& network, int64_t height, int64_t width)
      : a_(a), network_(network), height_(height), width_(width) {}

  Tensor operator()(const Tensor& input) const {
    Tensor x = network_.embed(input.slice(0, 0, 1)).reshape({-1, a_.dim});
    for (int n = 0; n < a_.depth; ++n) x = block(n, x);
    return network_.linear("head", network_.norm("norm", x)).view({height_, width_});
  }

 private:
  Tensor block(int n, Tensor x) const {
    const std::string name = "blocks." + std::to_string(n) + ".", attn = name + "attn.";
    const auto hidden = torch::gelu(network_.linear(name + "mlp.fc1", network_.norm(name + "norm_mlp", x)));
    x = x + network_.linear(name + "mlp.fc2", torch::gelu(conv(name + "mlp.dwconv", hidden)));
    const auto y = torch::arange(height_, torch::kDouble).unsqueeze(1).expand({height_, width_}).flatten();
    const auto along_x =
        torch::arange(width_, torch::kDouble).unsqueeze(0).expand({height_, width_}).flatten();
    const auto window_y = window(y, height_, n), window_x = window(along_x, width_, n);
    const auto same = (window_y.unsqueeze(1) == window_y).logical_and(window_x.unsqueeze(1) == window_x);
    const auto in_window = torch::stack({step(y, height_, n), step(along_x, width_, n)}, -1);
    const auto normed = network_.norm(name + "norm", x);
    const auto q = network_.linear(attn + "q", normed), v = network_.linear(attn + "v", normed);
    const auto outside = torch::where(same, 0.0, -INFINITY).to(torch::kDouble).unsqueeze(0);
    const auto local = attend(q, q, v, offsets_bias(attn + "local_bias", in_window) + outside);
    const auto sum = x + local;

    const auto label = window_y * a_.windows + window_x;
    auto members = (torch::arange(a_.windows * a_.windows).unsqueeze(1) == label).to(torch::kDouble);
    members = members / members.sum(1, true);
    const auto g = network_.norm(attn + "norm_window", torch::matmul(members, sum));
    const auto place = torch::stack({(y + 0.5) / height_, (along_x + 0.5) / width_}, -1);
    const auto to_centres = place.unsqueeze(1) - torch::matmul(members, place);
    const auto queries = q + conv(attn + "query_conv", network_.norm(attn + "norm_local", local));
    const auto global = attend(queries, network_.linear(attn + "k", g), network_.linear(attn + "v", g),
                               bias(attn + "global_bias", to_centres));
    return sum + network_.linear(attn + "proj", global);
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
    Tensor x = network_.linear(name + ".in", offsets);
    for (const char* n : {"0", "1", "2"})
      x = network_.linear(name + ".map." + n, torch::relu(network_.norm(name + ".norm." + n, x)));
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
    return torch::conv2d(x.t().reshape({1, c, height_, width_}), network_[name + ".weight"],
                         network_[name + ".bias"], 1, 1, 1, c)
        .view({c, -1})
        .t();
  }

  Architecture a_;
  const NetworkProbe& network_;
  int64_t height_, width_;
};

TEST(Hlg, IsItsEquations) {
  const Architecture a = tiny(2);
  const auto network = drawn_probe(a, 1);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{7, 5}, {9, 6}}) {
    const auto input = random_input(2, height, width);
    const auto output = network.forward(input)[0][0];
    const auto expected = Twin(a, network, height, width)(input);
    EXPECT_LT(largest(output - expected), tolerance::kExact) << height;
  }
}

// Of all the numbers in a window at most C reach a window that does not adjoin it.
TEST(Hlg, OtherWindowsSeeAnEmbeddingOfRankC) {
  const Architecture a = tiny(1);
  const auto network = drawn_probe(a, 2);
  const auto input = random_input(1, 15, 15).requires_grad_(true);
  const auto output = network.network().forward(input)[0][0];
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
    network.silence(combs ? "blocks.1.attn.proj." : "blocks.0.attn.proj.");
    const auto input = random_input(1, 7, 5);
    auto other = input.clone();
    other.slice(2, 0, 1).slice(3, 0, 1) += 1.0;
    EXPECT_TRUE(torch::equal(network.changed_places(input, other), first_window(combs))) << combs;
  }
}

TEST(Hlg, OrderWithinAWindowIsUnseenByOthers) {
  for (const bool combs : {false, true}) {
    const auto network = only_windows(combs, 4);
    const auto input = random_input(1, 7, 5);
    const auto window = [&](const Tensor& t) {
      return t.index_select(2, rows(combs)).index_select(3, columns(combs));
    };
    auto turned = input.clone(), raised = input.clone();
    turned.masked_scatter_(first_window(combs), window(input).flip({2}).contiguous());
    raised.masked_scatter_(first_window(combs), window(input).add(1.0).contiguous());
    const auto before = network.forward(input);
    const auto elsewhere = [&](const Tensor& other) {
      return largest((network.forward(other) - before).masked_fill(first_window(combs), 0.0));
    };
    EXPECT_LT(elsewhere(turned), tolerance::kExact) << combs;
    EXPECT_GT(elsewhere(raised), 1e-6) << combs;
    EXPECT_GT(largest(network.forward(turned) - before), 1e-3) << combs;
  }
}

TEST(Hlg, WindowsAreTheSamePartOfTheDomainAtTwiceTheResolution) {
  const auto network = only_windows(false, 5);
  network.silence("blocks.0.attn.global_bias.map.2.");
  const auto twice = [](const Tensor& t) { return t.repeat_interleave(2, 2).repeat_interleave(2, 3); };
  const auto input = random_input(1, 6, 9);
  const auto difference = network.forward(twice(input)) - twice(network.forward(input));
  EXPECT_LT(largest(difference), tolerance::kExact);
}

TEST(Hlg, TakesGridsWithFewerRowsThanWindows) {
  EXPECT_EQ(drawn_probe(tiny(2), 6).forward(random_input(1, 2, 5)).sizes(),
            (std::vector<int64_t>{1, 1, 2, 5}));
}

TEST(Hlg, TakesAnyGridAndDifferentiates) {
  expect_any_grid(Architecture::Model::hlg);
}

}  // namespace
}  // namespace mano
