// MAT: missing cells have no influence, validity grows from block to block, and without holes it is attention within shifted windows.
#include <limits>

#include "network_probe.hpp"

namespace mano {
namespace {

using torch::Tensor;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Architecture tiny(int depth, int patch) {
  Architecture a = architecture_preset("small", Architecture::Model::mat);
  a.dim = 6;
  a.heads = 2;
  a.mlp = 10;
  a.window = 4;
  a.depth = depth;
  a.patch = patch;
  return a;
}

// Single cells, a hole wider than a window, and one whole side.
Tensor with_holes(const Tensor& whole) {
  auto input = whole.clone();
  input.select(1, 0).slice(1, 1, 20, 3).slice(2, 0, 20, 5).fill_(kNan);
  input.select(1, 1).slice(1, 2, 9).slice(2, 3, 11).fill_(kInfinity);
  input.select(1, 2).slice(2, whole.size(3) - 1).fill_(-kInfinity);
  return input;
}

// Token by token, with lists of the valid ones: what is not valid is not there.
class Twin {
 public:
  Twin(const Architecture& a, const NetworkProbe& network) : a_(a), network_(network) {}

  Tensor operator()(const Tensor& input) {  // [3, H, W], whole patches
    const int64_t p = a_.patch;
    height_ = input.size(1) / p;
    width_ = input.size(2) / p;
    std::vector<Tensor> x;
    valid_.clear();
    for (int64_t t = 0; t < height_ * width_; ++t) x.push_back(lifted(input, t / width_ * p, t % width_ * p));
    const std::vector<Tensor> start = x;
    for (int n = 0; n < a_.depth; ++n) x = block(n, x);
    auto output = torch::empty({height_ * p, width_ * p}, torch::kDouble);
    for (int64_t t = 0; t < height_ * width_; ++t) {
      const Tensor out = start[t] + convolved(x, t / width_, t % width_);
      const Tensor normed = network_.norm("norm", out);
      output.slice(0, t / width_ * p, t / width_ * p + p).slice(1, t % width_ * p, t % width_ * p + p) =
          network_.linear("head", normed).view({p, p});
    }
    return output;
  }

 private:
  Tensor lifted(const Tensor& input, int64_t y, int64_t x) {
    const int64_t p = a_.patch;
    Tensor sum = network_["patch_embed.proj.bias"];
    int64_t count = 0;
    for (int64_t n = 0; n < p * p; ++n) {
      const Tensor cell = input.select(1, y + n / p).select(1, x + n % p);
      if (!torch::isfinite(cell).all().item<bool>()) continue;
      sum = sum + torch::mv(network_["patch_embed.proj.weight"].select(2, n / p).select(2, n % p), cell);
      ++count;
    }
    valid_.push_back(count > 0);
    return count > 0 ? sum * static_cast<double>(p * p) / static_cast<double>(count) : torch::zeros_like(sum);
  }

  std::vector<Tensor> block(int n, const std::vector<Tensor>& x) {
    const auto group_of = [&](int64_t at, int64_t size) {
      const int64_t k = a_.window, shift = n % 2 == 1 && size > k ? k / 2 : 0;
      return (at - shift + k) / k;
    };
    std::map<std::pair<int64_t, int64_t>, std::vector<std::size_t>> groups;
    for (std::size_t t = 0; t < x.size(); ++t) {
      const auto at = static_cast<int64_t>(t);
      groups[{group_of(at / width_, height_), group_of(at % width_, width_)}].push_back(t);
    }
    std::vector<Tensor> next(x.size(), torch::zeros({a_.dim}, torch::kDouble));
    std::vector<bool> reached(x.size(), false);
    for (const auto& [group, members] : groups) {
      std::vector<Tensor> there;
      for (std::size_t t : members)
        if (valid_[t]) there.push_back(x[t]);
      if (there.empty()) continue;
      for (std::size_t t : members) {
        next[t] = updated("blocks." + std::to_string(n) + ".", x[t], torch::stack(there));
        reached[t] = true;
      }
    }
    valid_ = reached;
    return next;
  }

  Tensor updated(const std::string& name, const Tensor& x, const Tensor& there) const {
    const auto unit = [](const Tensor& t) { return t / t.norm(2, {-1}, true).clamp_min(1e-6); };
    const auto q = network_.linear(name + "attn.q", unit(x)),
               k = network_.linear(name + "attn.k", unit(there));
    const auto v = network_.linear(name + "attn.v", there);
    std::vector<Tensor> heads;
    const int64_t d = a_.dim / a_.heads;
    for (int64_t h = 0; h < a_.heads; ++h) {
      const auto part = [&](const Tensor& t) { return t.slice(-1, h * d, (h + 1) * d); };
      const auto scores = torch::mv(part(k), part(q)) / std::sqrt(static_cast<double>(d));
      heads.push_back(torch::mv(part(v).t(), scores.softmax(0)));
    }
    const auto read = network_.linear(name + "attn.proj", torch::cat(heads));
    const auto fused = leaky(network_.linear(name + "fuse", torch::cat({x, read})));
    return network_.linear(name + "mlp.fc2", leaky(network_.linear(name + "mlp.fc1", fused)));
  }

  Tensor convolved(const std::vector<Tensor>& x, int64_t y0, int64_t x0) const {
    Tensor sum = network_["conv.bias"];
    double count = 0;
    for (int64_t n = 0; n < 9; ++n) {
      const int64_t y = y0 + n / 3 - 1, column = x0 + n % 3 - 1;
      if (y < 0 || y >= height_ || column < 0 || column >= width_ || !valid_[y * width_ + column]) continue;
      sum =
          sum + torch::mv(network_["conv.weight"].select(2, n / 3).select(2, n % 3), x[y * width_ + column]);
      ++count;
    }
    return count > 0 ? leaky(sum) * 9.0 / count : torch::zeros_like(sum);
  }

  static Tensor leaky(const Tensor& x) { return torch::where(x > 0, x, 0.2 * x) * std::sqrt(2.0); }

  Architecture a_;
  const NetworkProbe& network_;
  std::vector<bool> valid_;
  int64_t height_ = 0, width_ = 0;
};

void expect_twin(const Architecture& a, const Tensor& input) {
  const auto network = drawn_probe(a, 1);
  const auto output = network.forward(input);
  for (int64_t n = 0; n < input.size(0); ++n) {
    const auto expected = Twin(a, network)(input[n]);
    EXPECT_LT(largest(output[n][0] - expected), tolerance::kExact * largest(expected))
        << "patch " << a.patch << ", sample " << n;
  }
}

TEST(Mat, ReadsValidTokensAlone) {
  const auto two = torch::cat({with_holes(random_input(1, 12, 22)), random_input(1, 12, 22)});
  expect_twin(tiny(3, 1), two);
  expect_twin(tiny(3, 2), two);
}

TEST(Mat, IsWindowedAttentionWhereNothingIsMissing) {
  expect_twin(tiny(4, 1), random_input(1, 11, 14));  // windows that the grid does not fill
  expect_twin(tiny(2, 1), random_input(1, 3, 9));
}

TEST(Mat, WhatAMissingCellHoldsHasNoInfluence) {
  const auto network = drawn_probe(tiny(3, 2), 2);
  const auto input = with_holes(random_input(2, 12, 22)).requires_grad_(true);
  const auto output = network.network().forward(input);
  const auto missing = torch::isfinite(input.detach()).all(1, true).logical_not();
  ASSERT_TRUE(torch::isfinite(output).all().item<bool>());
  auto other = input.detach().clone();
  other.masked_fill_(missing, 1e9);  // all but one channel of each
  other.select(1, 0).masked_fill_(missing.squeeze(1), kNan);
  EXPECT_TRUE(torch::equal(network.forward(other), output));
  other.masked_fill_(missing, -3.0);
  other.select(1, 2).masked_fill_(missing.squeeze(1), kInfinity);
  EXPECT_TRUE(torch::equal(network.forward(other), output));
  output.square().sum().backward();
  EXPECT_EQ(largest(input.grad().masked_fill(missing.logical_not(), 0.0)), 0.0);
  EXPECT_TRUE(torch::isfinite(input.grad()).all().item<bool>());
}

// One valid cell reaches its window, then the shifted windows over that, and one token more by the convolution.
TEST(Mat, ValidityGrowsFromBlockToBlock) {
  auto input = torch::full({1, 3, 16, 16}, kNan, torch::kDouble);
  input.slice(2, 5, 6).slice(3, 6, 7).fill_(0.3);
  const auto other = input * 2.0;
  const auto square = [](int64_t first, int64_t end) {
    auto places = torch::zeros({16, 16}, torch::kBool);
    places.slice(0, first, end).slice(1, first, end).fill_(true);
    return places;
  };
  EXPECT_TRUE(torch::equal(drawn_probe(tiny(1, 1), 3).changed_places(input, other), square(3, 9)));
  EXPECT_TRUE(torch::equal(drawn_probe(tiny(2, 1), 3).changed_places(input, other), square(1, 11)));
  EXPECT_TRUE(torch::equal(drawn_probe(tiny(3, 1), 3).changed_places(input, other), square(0, 13)));
  // Not around the edge, where the shift brings opposite sides into one window.
  const auto corner = input.roll({-5, -6}, {2, 3});
  EXPECT_TRUE(torch::equal(drawn_probe(tiny(2, 1), 3).changed_places(corner, corner * 2.0), square(0, 7)));
}

TEST(Mat, TakesAMapWithNothingInIt) {
  const auto network = make_network(architecture_preset("small", Architecture::Model::mat), 4);
  const auto output = network->forward(torch::full({1, 3, 16, 16}, static_cast<float>(kNan)));
  EXPECT_TRUE(torch::isfinite(output).all().item<bool>());
  output.sum().backward();
  for (const auto& [name, parameter] : network->named_parameters()) {
    const auto gradient = parameter.grad();
    EXPECT_TRUE(!gradient.defined() || torch::isfinite(gradient).all().item<bool>()) << name;
  }
}

TEST(Mat, TakesAnyGridAndDifferentiates) {
  expect_any_grid(Architecture::Model::mat);
}

}  // namespace
}  // namespace mano
