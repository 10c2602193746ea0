// The shunted transformer, with means of blocks as merged tokens: which tokens each half of the heads can tell apart.
#include "core/error.hpp"
#include "network_probe.hpp"

namespace mano {
namespace {

using Model = Architecture::Model;
using torch::Tensor;

const std::string kAttention = "blocks.0.attn.";
constexpr int64_t kRate = 4;

// Merging by means, no convolution in the MLP: beside attention, tokens go their own ways. Attention counts a hundredfold.
NetworkProbe merging_by_means() {
  NetworkProbe network(one_block(Model::shunted));
  const int64_t c = one_block(Model::shunted).dim;
  for (const auto& [part, rate] : {std::pair{"coarse", kRate}, {"fine", kRate / 2}}) {
    const auto mean = torch::eye(c, torch::kDouble).view({c, c, 1, 1}) / static_cast<double>(rate * rate);
    network[kAttention + part + ".merge.weight"].copy_(mean.expand({c, c, rate, rate}));
  }
  network["blocks.0.mlp.detail.weight"].zero_();
  network["blocks.0.mlp.detail.bias"].zero_();
  network[kAttention + "proj.weight"].mul_(100.0);
  return network;
}

void leave_out(const NetworkProbe& network, const char* half) {
  const int64_t c = one_block(Model::shunted).dim, first = half == std::string("coarse") ? 0 : c / 2;
  network[kAttention + "proj.weight"].slice(1, first, first + c / 2).zero_();
}

Tensor swapped(const Tensor& t, std::pair<int64_t, int64_t> one, std::pair<int64_t, int64_t> other) {
  auto s = t.clone();
  s.select(2, one.first).select(2, one.second).copy_(t.select(2, other.first).select(2, other.second));
  s.select(2, other.first).select(2, other.second).copy_(t.select(2, one.first).select(2, one.second));
  return s;
}

// How far the output is from commuting with the exchange of two cells, at the cell least and most affected, relative.
std::pair<double, double> change_by_swap(const NetworkProbe& network, std::pair<int64_t, int64_t> one,
                                         std::pair<int64_t, int64_t> other) {
  const auto input = random_input(1, 8, 12);
  const auto before = network.forward(input);
  const auto apart = (network.forward(swapped(input, one, other)) - swapped(before, one, other)).abs();
  return {apart.min().item<double>() / largest(before), largest(apart) / largest(before)};
}

TEST(Shunted, SeesNoOrderWithinAFineBlock) {
  EXPECT_LT(change_by_swap(merging_by_means(), {4, 6}, {5, 7}).second, tolerance::kExact);
  // Merged with its own weights, it does.
  EXPECT_GT(change_by_swap(NetworkProbe(one_block(Model::shunted)), {4, 6}, {5, 7}).second, 1e-6);
}

TEST(Shunted, TellsFineBlocksApartWithTheFineHalfOfTheHeads) {
  auto network = merging_by_means();
  leave_out(network, "fine");
  EXPECT_LT(change_by_swap(network, {4, 4}, {5, 7}).second, tolerance::kExact);
  EXPECT_GT(change_by_swap(network, {4, 4}, {5, 8}).first, 1e-9);  // of two coarse blocks
  network = merging_by_means();
  leave_out(network, "coarse");
  EXPECT_LT(change_by_swap(network, {4, 6}, {5, 7}).second, tolerance::kExact);
  EXPECT_GT(change_by_swap(network, {4, 4}, {5, 7}).first, 1e-9);
}

TEST(Shunted, ReadsEachHalfFromItsOwnKeys) {
  for (const auto& [half, other] : {std::pair{"coarse", "fine"}, {"fine", "coarse"}}) {
    const auto network = merging_by_means();
    leave_out(network, half);
    const auto input = random_input(2, 8, 12);
    const auto before = network.forward(input);
    network[kAttention + half + ".kv.weight"].zero_();
    EXPECT_EQ(largest(network.forward(input) - before), 0.0) << half;
    network[kAttention + other + ".kv.weight"].zero_();
    EXPECT_GT(largest(network.forward(input) - before), 1e-3 * largest(before)) << other;
  }
}

// [B, H, W, C] -> the means of the valid tokens of blocks of rate x rate, one by one.
Tensor block_means(const Tensor& x, int64_t rate) {
  std::vector<Tensor> rows;
  for (int64_t i = 0; i < x.size(1); i += rate) {
    std::vector<Tensor> row;
    for (int64_t j = 0; j < x.size(2); j += rate)
      row.push_back(x.slice(1, i, i + rate).slice(2, j, j + rate).mean({1, 2}));
    rows.push_back(torch::stack(row, 1));
  }
  return torch::stack(rows, 1);
}

Tensor attended(const NetworkProbe& network, const Tensor& q, const Tensor& x, const std::string& part,
                int64_t rate) {
  const int64_t half = x.size(3) / 2, heads = one_block(Model::shunted).heads / 2, d = half / heads;
  const auto bias = network[kAttention + part + ".merge.bias"];
  const auto merged = torch::gelu(network.norm(kAttention + part + ".norm", block_means(x, rate) + bias));
  const auto kv = network.linear(kAttention + part + ".kv", merged);
  auto v = kv.slice(3, half);
  v = v + torch::conv2d(v.permute({0, 3, 1, 2}), network[kAttention + part + ".local.weight"],
                        network[kAttention + part + ".local.bias"], 1, int64_t{1}, 1, half)
              .permute({0, 2, 3, 1});
  std::vector<Tensor> out;
  for (int64_t head = 0; head < heads; ++head) {
    const auto of_head = [&](const Tensor& t) { return t.slice(3, head * d, (head + 1) * d).flatten(1, 2); };
    const auto scores = torch::matmul(of_head(q), of_head(kv).transpose(1, 2)) / std::sqrt(d);
    out.push_back(torch::matmul(torch::softmax(scores, 2), of_head(v)));
  }
  return torch::cat(out, 2);
}

// The equations, also where the rates do not divide the grid: 8x8, then 33x20 has a last row of blocks of one token each.
TEST(Shunted, EqualsItsEquations) {
  const auto network = merging_by_means();
  for (const auto& [height, width] : {std::pair{8, 8}, {33, 20}, {7, 6}}) {
    const auto input = random_input(2, height, width);
    const auto tokens = network.embed(input);
    const auto normed = network.norm("blocks.0.norm1", tokens);
    const auto q = network.linear(kAttention + "q", normed);
    const int64_t half = q.size(3) / 2;
    const auto seen = torch::cat({attended(network, q.slice(3, 0, half), normed, "coarse", kRate),
                                  attended(network, q.slice(3, half), normed, "fine", kRate / 2)},
                                 2);
    auto x = tokens + network.linear(kAttention + "proj", seen.view(tokens.sizes()));
    const auto hidden = torch::gelu(network.linear("blocks.0.mlp.fc1", network.norm("blocks.0.norm2", x)));
    x = x + network.linear("blocks.0.mlp.fc2", hidden);
    const auto expected = network.head(x);
    EXPECT_LT(largest(network.forward(input) - expected), tolerance::kParity * largest(expected)) << height;
  }
}

TEST(Shunted, LooksOneCellAroundInItsMlp) {
  const NetworkProbe network(one_block(Model::shunted));
  network[kAttention + "proj.weight"].zero_();
  auto input = random_input(1, 8, 8);
  const auto before = network.forward(input);
  input.slice(2, 4, 5).slice(3, 4, 5) += 1.0;
  const auto difference = (network.forward(input) - before).abs()[0][0];
  EXPECT_GT(difference.slice(0, 3, 6).slice(1, 3, 6).min().item<double>(), 0.0);
  EXPECT_EQ(largest(difference.slice(0, 0, 3)), 0.0);
  EXPECT_EQ(largest(difference.slice(1, 6)), 0.0);
}

TEST(Shunted, TakesAnyGridAndRefusesWhatItCannotHalve) {
  expect_any_grid(Model::shunted);
  Architecture a = one_block(Model::shunted);
  a.rate = 3;
  EXPECT_THROW(make_network(a, 0), InvalidInput);
  a.rate = 2;
  EXPECT_NO_THROW(make_network(a, 0));
  a.heads = 1;
  EXPECT_THROW(make_network(a, 0), InvalidInput);
}

}  // namespace
}  // namespace mano
