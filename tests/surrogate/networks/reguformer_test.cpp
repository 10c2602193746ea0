// Reguformer against transformers' Informer layers with the same weights (tests/fixtures/rivals/make_reguformer_fixture.py made the file),
// and what selection means.
#include "network_probe.hpp"

namespace mano {
namespace {

using torch::Tensor;

Architecture tiny(int depth, int factor) {
  Architecture a = architecture_preset("small", Architecture::Model::reguformer);
  a.dim = 8;
  a.heads = 2;
  a.mlp = 12;
  a.patch = 1;
  a.depth = depth;
  a.factor = factor;
  return a;
}

// The fixture's keys have a bias, which changes nothing.
TEST(Reguformer, GivesTheOutputOfInformersLayers) {
  const H5Handle file = h5_open(MANO_TEST_DATA "/fixtures/rivals/reguformer_informer.h5");
  const auto number = [&](const char* name) { return static_cast<int>(h5_read_number(file, name, -1)); };
  Architecture a = tiny(number("depth"), number("factor"));
  a.dim = number("dim");
  a.heads = number("heads");
  a.mlp = number("mlp");
  const auto network = drawn_probe(a, 0);
  for (auto [name, parameter] : network.parameters()) {
    const auto stored = read_tensor(file, "weights/" + name);
    ASSERT_EQ(stored.sizes(), parameter.sizes()) << name;
    parameter.copy_(stored);
  }
  for (const std::string size : {"12x9", "1x100", "15x10", "2x3"}) {
    const auto expected = read_tensor(file, size + "/output");
    const auto output = network.forward(read_tensor(file, size + "/input"));
    EXPECT_LT(largest(output - expected), tolerance::kParity * largest(expected)) << size;
  }
}

// Longer keys leave M's order as it is and move those tokens alone that attend.
TEST(Reguformer, KeepsFactorTimesLogarithmQueries) {
  for (const auto& [factor, kept] : {std::pair{1, 6}, {2, 12}, {5, 30}, {60, 160}}) {  // ln 160 = 5.1
    Architecture a = tiny(1, factor);
    a.heads = 1;
    const auto network = drawn_probe(a, 4);
    const auto input = random_input(1, 16, 10);
    const auto before = network.forward(input);
    network["blocks.0.self_attn.k_proj.weight"].mul_(2.0);
    EXPECT_EQ((network.forward(input) != before).sum().item<int64_t>(), kept) << factor;
  }
}

// A transformer of full attention, norms behind the residuals; one sample.
Tensor transformer(const Architecture& a, const NetworkProbe& network, const Tensor& input) {
  Tensor x = network.embed(input).reshape({-1, a.dim});
  const int64_t d = a.dim / a.heads;
  for (int n = 0; n < a.depth; ++n) {
    const std::string name = "blocks." + std::to_string(n) + ".", attn = name + "self_attn.";
    const auto q = network.linear(attn + "q_proj", x), k = network.linear(attn + "k_proj", x),
               v = network.linear(attn + "v_proj", x);
    std::vector<Tensor> heads;
    for (int64_t h = 0; h < a.heads; ++h) {
      const auto part = [&](const Tensor& t) { return t.slice(1, h * d, (h + 1) * d); };
      const auto scores = torch::matmul(part(q), part(k).t()) / std::sqrt(static_cast<double>(d));
      heads.push_back(torch::matmul(scores.softmax(1), part(v)));
    }
    x = network.norm(name + "self_attn_layer_norm",
                     x + network.linear(attn + "out_proj", torch::cat(heads, 1)));
    x = network.norm(name + "final_layer_norm",
                     x + network.linear(name + "fc2", torch::gelu(network.linear(name + "fc1", x))));
  }
  return network.linear("head", network.norm("norm", x)).view({input.size(2), input.size(3)});
}

TEST(Reguformer, IsFullAttentionWhereAllQueriesAreKept) {
  const Architecture all = tiny(2, 1000), few = tiny(2, 1);
  const auto input = random_input(1, 14, 11);
  const auto network = drawn_probe(all, 5);
  const auto expected = transformer(all, network, input);
  EXPECT_LT((network.forward(input)[0][0] - expected).abs().max().item<double>(), tolerance::kExact);
  EXPECT_GT((drawn_probe(few, 5).forward(input)[0][0] - expected).abs().max().item<double>(), 1e-3);
}

// Coordinates are inputs: nothing else tells a map from the sequence of its cells.
TEST(Reguformer, TakesSequences) {
  const auto network = drawn_probe(tiny(2, 3), 6);
  const auto map = random_input(2, 10, 10);
  const auto sequence = network.forward(map.view({2, 3, 1, 100}));
  ASSERT_EQ(sequence.sizes(), (std::vector<int64_t>{2, 1, 1, 100}));
  EXPECT_LT((sequence.flatten(2) - network.forward(map).flatten(2)).abs().max().item<double>(),
            tolerance::kExact);
  const auto upright = network.forward(map.view({2, 3, 100, 1}));
  EXPECT_LT((upright.flatten(2) - sequence.flatten(2)).abs().max().item<double>(), tolerance::kExact);
  const auto backward = network.forward(map.view({2, 3, 1, 100}).flip({3}));
  EXPECT_LT((backward.flip({3}) - sequence).abs().max().item<double>(), tolerance::kExact);
  EXPECT_EQ(network.forward(map.slice(2, 0, 1).slice(3, 0, 1)).numel(), 2);  // one token
}

TEST(Reguformer, LearnsFromSequences) {
  Architecture a = architecture_preset("small", Architecture::Model::reguformer);
  a.patch = 1;
  const auto network = make_network(a, 7);
  network->forward(random_input(2, 1, 100).to(torch::kFloat)).square().sum().backward();
  for (const auto& [name, parameter] : network->named_parameters())
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 0.0) << name;
}

TEST(Reguformer, TakesAnyGridAndDifferentiates) {
  expect_any_grid(Architecture::Model::reguformer, true);
}

}  // namespace
}  // namespace mano
