// QnA against softmax window by window, and what defines it: queries that no token shapes.
#include "core/error.hpp"
#include "network_probe.hpp"

namespace mano {
namespace {

using Model = Architecture::Model;
using torch::Tensor;

const std::string kAttention = "blocks.0.attn.";

Tensor after_attention(const NetworkProbe& network, const Tensor& tokens, const Tensor& attended) {
  auto x = tokens + torch::linear(attended, network[kAttention + "proj.weight"]);
  const auto hidden = torch::gelu(network.linear("blocks.0.mlp.fc1", network.norm("blocks.0.norm2", x)));
  x = x + network.linear("blocks.0.mlp.fc2", hidden);
  return network.head(x);
}

// One token's output, of the part of its window that lies in the grid: the equations, read aloud.
Tensor window_of(const Architecture& a, const NetworkProbe& network, const Tensor& keys, const Tensor& values,
                 int64_t i, int64_t j) {
  const int64_t reach = a.window / 2, d = a.dim / a.heads;
  std::vector<Tensor> heads;
  for (int64_t head = 0; head < a.heads; ++head) {
    auto sum = torch::zeros({d}, torch::kDouble);
    for (int64_t l = 0; l < a.queries; ++l) {
      const auto q = network[kAttention + "queries"][l][head];
      std::vector<Tensor> scores, weights, seen;
      for (int64_t y = std::max<int64_t>(i - reach, 0); y <= std::min(i + reach, keys.size(0) - 1); ++y) {
        for (int64_t x = std::max<int64_t>(j - reach, 0); x <= std::min(j + reach, keys.size(1) - 1); ++x) {
          const auto of_head = [&](const Tensor& t) { return t[y][x].slice(0, head * d, (head + 1) * d); };
          const auto place = [&](const char* name) {
            return network[kAttention + name][l][head][y - i + reach][x - j + reach];
          };
          scores.push_back(q.dot(of_head(keys)) / q.norm() / std::sqrt(d) + place("relative_bias"));
          weights.push_back(place("scale"));
          seen.push_back(of_head(values));
        }
      }
      const auto p = torch::softmax(torch::stack(scores), 0) * torch::stack(weights);
      sum = sum + torch::mv(torch::stack(seen).t(), p);
    }
    heads.push_back(sum);
  }
  return torch::cat(heads);
}

NetworkProbe make_probe() {
  Architecture a = one_block(Model::qna);
  a.window = 3;
  NetworkProbe network(a);
  torch::manual_seed(11);
  network[kAttention + "relative_bias"].normal_();  // starts as zero
  network[kAttention + "scale"].normal_();
  network[kAttention + "key.weight"].mul_(3.0);
  return network;
}

TEST(Qna, EqualsSoftmaxWindowByWindow) {
  Architecture a = one_block(Model::qna);
  a.window = 3;
  const NetworkProbe network = make_probe();
  const auto input = random_input(1, 6, 5);
  const auto tokens = network.embed(input);
  const auto normed = network.norm("blocks.0.norm1", tokens);
  const auto keys = torch::linear(normed, network[kAttention + "key.weight"])[0];
  const auto values = torch::linear(normed, network[kAttention + "value.weight"])[0];
  auto attended = torch::empty_like(tokens);
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t j = 0; j < 5; ++j) attended[0][i][j] = window_of(a, network, keys, values, i, j);
  const auto expected = after_attention(network, tokens, attended);
  // Lengths of queries have 1e-6 added.
  EXPECT_LT(largest(network.forward(input) - expected), 1e-5 * largest(expected));
  network[kAttention + "queries"].mul_(1e6);
  EXPECT_LT(largest(network.forward(input) - expected), tolerance::kParity * largest(expected));
}

// With W = 1 and v = 1 every query contributes one, at borders too, however scores vary.
TEST(Qna, SumsItsWeightsToTheNumberOfQueries) {
  const NetworkProbe network = make_probe();
  network["blocks.0.norm1.weight"][0].zero_();
  network["blocks.0.norm1.bias"][0].fill_(1.0);
  network[kAttention + "value.weight"].zero_().select(1, 0).fill_(1.0);
  network[kAttention + "scale"].fill_(1.0);
  const auto input = random_input(2, 6, 5);
  const auto tokens = network.embed(input);
  const auto expected =
      after_attention(network, tokens, torch::full_like(tokens, one_block(Model::qna).queries));
  EXPECT_LT(largest(network.forward(input) - expected), tolerance::kExact * largest(expected));
}

TEST(Qna, CommutesWithShiftsAwayFromTheBorder) {
  const NetworkProbe network = make_probe();
  const auto input = random_input(1, 9, 8);
  const auto output = network.forward(input);
  const auto shifted = network.forward(input.roll({2, 1}, {2, 3}));
  const auto expected = output.slice(2, 1, 6).slice(3, 1, 6);
  EXPECT_LT(largest(shifted.slice(2, 3, 8).slice(3, 2, 7) - expected), tolerance::kExact * largest(output));
}

TEST(Qna, ReadsItsWindowAndNoMore) {
  const NetworkProbe network = make_probe();
  auto input = random_input(1, 7, 7);
  const auto before = network.forward(input);
  input.slice(2, 3, 4).slice(3, 3, 4) += 1.0;
  const auto difference = (network.forward(input) - before).abs()[0][0];
  EXPECT_GT(difference.slice(0, 2, 5).slice(1, 2, 5).min().item<double>(), 1e-6);
  const double outside =
      tolerance::kExact * largest(before);  // the largest score of the grid moves, the last digits with it
  EXPECT_LT(largest(difference.slice(0, 0, 2)), outside);
  EXPECT_LT(largest(difference.slice(1, 5)), outside);
}

TEST(Qna, IgnoresAConstantAddedToItsScoresAndSurvivesLargeOnes) {
  const NetworkProbe network = make_probe();
  const auto input = random_input(2, 6, 5);
  const auto expected = network.forward(input);
  network[kAttention + "relative_bias"] += 800.0;  // e^800 overflows
  EXPECT_LT(largest(network.forward(input) - expected), tolerance::kParity * largest(expected));
  network[kAttention + "key.weight"].mul_(1e4);  // whole windows far below the largest score
  EXPECT_TRUE(network.forward(input).isfinite().all().item<bool>());
}

// No map makes queries of tokens: 3 C^2 + L C + 2 window^2 L h.
TEST(Qna, HasNoQueryProjection) {
  const Architecture a = one_block(Model::qna);
  int64_t count = 0;
  const NetworkProbe network(a);
  for (const auto& [name, parameter] : network.parameters())
    if (name.rfind(kAttention, 0) == 0) count += parameter.numel();
  EXPECT_EQ(count, 3 * a.dim * a.dim + a.queries * a.dim + 2 * a.window * a.window * a.queries * a.heads);
}

TEST(Qna, TakesAnyGridAndRefusesEvenWindows) {
  expect_any_grid(Model::qna);
  Architecture a = one_block(Model::qna);
  a.window = 4;
  EXPECT_THROW(make_network(a, 0), InvalidInput);
}

}  // namespace
}  // namespace mano
