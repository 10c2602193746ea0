// Reguformer against transformers' Informer layers with the same weights (tests/fixtures/rivals/make_reguformer_fixture.py made the file),
// and what selection means.
#include "datagen/hdf5_handle.hpp"
#include "network_checks.hpp"
#include "surrogate/networks/rivals.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

using torch::Tensor;

Tensor read_tensor(hid_t file, const std::string& name) {
  const H5Handle dataset = h5_own(H5Dopen2(file, name.c_str(), H5P_DEFAULT), name);
  std::vector<int64_t> shape;
  for (hsize_t n : h5_shape(dataset)) shape.push_back(static_cast<int64_t>(n));
  auto tensor = torch::empty(shape, torch::kDouble);
  h5_check(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.data_ptr<double>()),
           name);
  return tensor;
}

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
  const torch::NoGradGuard no_grad;
  const H5Handle file = h5_open(MANO_TEST_DATA "/fixtures/rivals/reguformer_informer.h5");
  const auto number = [&](const char* name) { return static_cast<int>(h5_read_number(file, name, -1)); };
  Architecture a = tiny(number("depth"), number("factor"));
  a.dim = number("dim");
  a.heads = number("heads");
  a.mlp = number("mlp");
  const auto network = double_network(a, 0);
  for (auto& [name, parameter] : network->named_parameters()) {
    const auto stored = read_tensor(file, "weights/" + name);
    ASSERT_EQ(stored.sizes(), parameter.sizes()) << name;
    parameter.copy_(stored);
  }
  for (const std::string size : {"12x9", "1x100", "15x10", "2x3"}) {
    const auto expected = read_tensor(file, size + "/output");
    const auto output = network->forward(read_tensor(file, size + "/input"));
    EXPECT_LT(((output - expected).abs().max() / expected.abs().max()).item<double>(), tolerance::kParity)
        << size;
  }
}

// Longer keys leave M's order as it is and move those tokens alone that attend.
TEST(Reguformer, KeepsFactorTimesLogarithmQueries) {
  const torch::NoGradGuard no_grad;
  for (const auto& [factor, kept] : {std::pair{1, 6}, {2, 12}, {5, 30}, {60, 160}}) {  // ln 160 = 5.1
    Architecture a = tiny(1, factor);
    a.heads = 1;
    const auto network = double_network(a, 4);
    const auto input = smooth_input(1, 16, 10);
    const auto before = network->forward(input);
    weights_of(*network).at("blocks.0.self_attn.k_proj.weight").mul_(2.0);
    EXPECT_EQ((network->forward(input) != before).sum().item<int64_t>(), kept) << factor;
  }
}

Tensor linear(const std::map<std::string, Tensor>& w, const std::string& name, const Tensor& x) {
  const auto bias = w.find(name + ".bias");
  return torch::linear(x, w.at(name + ".weight"), bias == w.end() ? Tensor() : bias->second);
}

Tensor norm(const std::map<std::string, Tensor>& w, const std::string& name, const Tensor& x) {
  return torch::layer_norm(x, {x.size(-1)}, w.at(name + ".weight"), w.at(name + ".bias"));
}

// A transformer of full attention, norms behind the residuals; one sample.
Tensor transformer(const Architecture& a, const std::map<std::string, Tensor>& w, const Tensor& input) {
  Tensor x = torch::matmul(w.at("patch_embed.proj.weight").flatten(1), input[0].flatten(1)).t() +
             w.at("patch_embed.proj.bias");
  const int64_t d = a.dim / a.heads;
  for (int n = 0; n < a.depth; ++n) {
    const std::string name = "blocks." + std::to_string(n) + ".", attn = name + "self_attn.";
    const auto q = linear(w, attn + "q_proj", x), k = linear(w, attn + "k_proj", x),
               v = linear(w, attn + "v_proj", x);
    std::vector<Tensor> heads;
    for (int64_t h = 0; h < a.heads; ++h) {
      const auto part = [&](const Tensor& t) { return t.slice(1, h * d, (h + 1) * d); };
      const auto scores = torch::matmul(part(q), part(k).t()) / std::sqrt(static_cast<double>(d));
      heads.push_back(torch::matmul(scores.softmax(1), part(v)));
    }
    x = norm(w, name + "self_attn_layer_norm", x + linear(w, attn + "out_proj", torch::cat(heads, 1)));
    x = norm(w, name + "final_layer_norm",
             x + linear(w, name + "fc2", torch::gelu(linear(w, name + "fc1", x))));
  }
  return linear(w, "head", norm(w, "norm", x)).view({input.size(2), input.size(3)});
}

TEST(Reguformer, IsFullAttentionWhereAllQueriesAreKept) {
  const torch::NoGradGuard no_grad;
  const Architecture all = tiny(2, 1000), few = tiny(2, 1);
  const auto input = smooth_input(1, 14, 11);
  const auto network = double_network(all, 5);
  const auto expected = transformer(all, weights_of(*network), input);
  EXPECT_LT((network->forward(input)[0][0] - expected).abs().max().item<double>(), tolerance::kExact);
  EXPECT_GT((double_network(few, 5)->forward(input)[0][0] - expected).abs().max().item<double>(), 1e-3);
}

// Coordinates are inputs: nothing else tells a map from the sequence of its cells.
TEST(Reguformer, TakesSequences) {
  const torch::NoGradGuard no_grad;
  const auto network = double_network(tiny(2, 3), 6);
  const auto map = smooth_input(2, 10, 10);
  const auto sequence = network->forward(map.view({2, 3, 1, 100}));
  ASSERT_EQ(sequence.sizes(), (std::vector<int64_t>{2, 1, 1, 100}));
  EXPECT_LT((sequence.flatten(2) - network->forward(map).flatten(2)).abs().max().item<double>(),
            tolerance::kExact);
  const auto upright = network->forward(map.view({2, 3, 100, 1}));
  EXPECT_LT((upright.flatten(2) - sequence.flatten(2)).abs().max().item<double>(), tolerance::kExact);
  const auto backward = network->forward(map.view({2, 3, 1, 100}).flip({3}));
  EXPECT_LT((backward.flip({3}) - sequence).abs().max().item<double>(), tolerance::kExact);
  EXPECT_EQ(network->forward(map.slice(2, 0, 1).slice(3, 0, 1)).numel(), 2);  // one token
}

TEST(Reguformer, LearnsFromSequences) {
  Architecture a = architecture_preset("small", Architecture::Model::reguformer);
  a.patch = 1;
  const auto network = make_network(a, 7);
  network->forward(smooth_input(2, 1, 100).to(torch::kFloat)).square().sum().backward();
  for (const auto& [name, parameter] : network->named_parameters())
    EXPECT_GT(parameter.grad().abs().max().item<double>(), 0.0) << name;
}

TEST(Reguformer, KeepsShapesAndDifferentiates) {
  expect_shapes_and_gradients(architecture_preset("small", Architecture::Model::reguformer));
}

}  // namespace
}  // namespace mano
