// XCiT against timm 1.0.31's blocks with the same weights (tests/fixtures/rivals/make_xcit_fixture.py made the file), and what defines
// attention among channels: it does not know the order of the tokens nor how many there are.
#include "network_probe.hpp"

namespace mano {
namespace {

using Model = Architecture::Model;
using torch::Tensor;

TEST(Xcit, GivesTheOutputOfTimm) {
  const H5Handle file = h5_open(MANO_TEST_DATA "/fixtures/rivals/xcit_timm.h5");
  Architecture a;
  a.model = Model::xcit;
  for (const auto& [name, number] : {std::pair{"patch", &a.patch},
                                     {"dim", &a.dim},
                                     {"depth", &a.depth},
                                     {"heads", &a.heads},
                                     {"mlp", &a.mlp}})
    *number = static_cast<int>(h5_read_number(file, name, -1));
  const NetworkProbe network(a);
  for (auto [name, parameter] : network.parameters()) parameter.copy_(read_tensor(file, "weights/" + name));
  for (const std::string size : {"16x16", "33x20", "5x2"}) {
    const auto expected = read_tensor(file, size + "/output");
    const auto output = network.forward(read_tensor(file, size + "/input"));
    ASSERT_EQ(output.sizes(), expected.sizes());
    EXPECT_LT(largest(output - expected), tolerance::kParity * largest(expected)) << size;
  }
}

TEST(Xcit, TakesAnyGrid) {
  expect_any_grid(Model::xcit);
}

// Without positions and local convolutions; the attention's part counts a hundredfold.
NetworkProbe attention_alone() {
  NetworkProbe network(one_block(Model::xcit));
  for (const char* name : {"pos_embed.token_projection", "blocks.0.local_mp.conv2"}) {
    network[name + std::string(".weight")].zero_();
    network[name + std::string(".bias")].zero_();
  }
  network["blocks.0.gamma1"].fill_(100.0);
  return network;
}

TEST(Xcit, DoesNotKnowTheOrderOfTheTokens) {
  const auto network = attention_alone();
  const auto input = random_input(2, 6, 5);
  const auto order = torch::randperm(30);
  const auto permuted = [&](const Tensor& t) { return t.flatten(2).index_select(2, order).view(t.sizes()); };
  const auto expected = permuted(network.forward(input));
  EXPECT_LT(largest(network.forward(permuted(input)) - expected), tolerance::kExact * largest(expected));
  // But every token reaches every other.
  auto changed = input.clone();
  changed.slice(2, 0, 1).slice(3, 0, 1) += 1.0;
  const auto difference = (network.forward(changed) - network.forward(input)).abs().amax({0, 1});
  EXPECT_GT(difference.min().item<double>(), 1e-6);
}

// Each token four times is the same function on a grid twice as fine.
TEST(Xcit, CommutesWithRefinement) {
  const auto network = attention_alone();
  const auto refined = [](const Tensor& t) { return t.repeat_interleave(2, 2).repeat_interleave(2, 3); };
  const auto input = random_input(2, 6, 5);
  const auto expected = refined(network.forward(input));
  EXPECT_LT(largest(network.forward(refined(input)) - expected), tolerance::kExact * largest(expected));
}

TEST(Xcit, IgnoresTheLengthOfQueriesAndKeys) {
  const auto network = attention_alone();
  const auto input = random_input(2, 6, 5);
  const auto expected = network.forward(input);
  const int64_t c = one_block(Model::xcit).dim;
  const auto qkv = [&](int64_t part, const char* what) {
    return network[std::string("blocks.0.attn.qkv.") + what].slice(0, part * c, (part + 1) * c);
  };
  for (const char* what : {"weight", "bias"}) {
    qkv(0, what).mul_(7.0);
    qkv(1, what).mul_(0.01);
  }
  EXPECT_LT(largest(network.forward(input) - expected), tolerance::kExact * largest(expected));
  network["blocks.0.attn.temperature"].mul_(3.0);  // the scale of the scores is this alone
  EXPECT_GT(largest(network.forward(input) - expected), 1e-3 * largest(expected));
}

// Where all channels of v are 1 the attention gives 1: its rows sum to one, whatever queries and keys are.
TEST(Xcit, MixesChannelsWithWeightsOfSumOne) {
  const auto network = attention_alone();
  const int64_t c = one_block(Model::xcit).dim;
  network["blocks.0.attn.qkv.weight"].slice(0, 2 * c).zero_();
  network["blocks.0.attn.qkv.bias"].slice(0, 2 * c).fill_(1.0);
  network["blocks.0.attn.temperature"].fill_(5.0);
  const auto input = random_input(2, 6, 5);
  const auto tokens = network.embed(input);
  auto x = tokens + 100.0 * network.linear("blocks.0.attn.proj", torch::ones_like(tokens));
  const auto hidden = torch::gelu(network.linear("blocks.0.mlp.fc1", network.norm("blocks.0.norm2", x)));
  x = x + network.linear("blocks.0.mlp.fc2", hidden);
  const auto expected = network.head(x);
  EXPECT_LT(largest(network.forward(input) - expected), tolerance::kExact * largest(expected));
}

// A head mixes its own channels alone: the others' output does not depend on its values.
TEST(Xcit, MixesChannelsWithinAHead) {
  const auto network = attention_alone();
  const Architecture a = one_block(Model::xcit);
  const int64_t d = a.dim / a.heads;
  network["blocks.0.attn.proj.weight"].slice(1, 0, d).zero_();  // the first head is not read
  const auto input = random_input(2, 6, 5);
  const auto expected = network.forward(input);
  const auto values = network["blocks.0.attn.qkv.weight"].slice(0, 2 * a.dim, 3 * a.dim);
  values.slice(0, 0, d).mul_(2.0);
  EXPECT_EQ(largest(network.forward(input) - expected), 0.0);
  values.slice(0, d, d + 1).mul_(2.0);
  EXPECT_GT(largest(network.forward(input) - expected), 1e-3 * largest(expected));
}

// Without attention, a block's two 3x3 convolutions reach two cells: layer norm carries nothing across the grid.
TEST(Xcit, LooksTwoCellsAroundWithItsConvolutions) {
  const NetworkProbe network(one_block(Model::xcit));
  network["blocks.0.gamma1"].zero_();
  auto input = random_input(1, 9, 9);
  const auto before = network.forward(input);
  input.slice(2, 4, 5).slice(3, 4, 5) += 1.0;
  const auto difference = (network.forward(input) - before).abs()[0][0];
  EXPECT_GT(difference.slice(0, 2, 7).slice(1, 2, 7).min().item<double>(), 0.0);
  EXPECT_EQ(largest(difference.slice(0, 0, 2)), 0.0);
  EXPECT_EQ(largest(difference.slice(1, 7)), 0.0);
}

}  // namespace
}  // namespace mano
