// Models and networks as functions of the permeability and of parameters that a caller keeps.
#include "surrogate/differentiable.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.hpp"
#include "datagen/random_field.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {
namespace {

using torch::Tensor;

std::filesystem::path stored(bool inactive) {
  SurrogateModel m;
  m.card.problem_name = "benchmark";
  m.card.resolutions = {{8, 8}};
  m.card.architecture.dim = 8;
  m.card.architecture.depth = 1;
  m.card.architecture.heads = 2;
  m.card.architecture.dim_head = 4;
  m.card.architecture.channels_in = inactive ? 4 : 3;
  m.card.knows_equation = true;
  m.base = make_network(m.card.architecture, 1);
  m.card.refinement = architecture_preset("refinement");
  m.refinement = make_network(*m.card.refinement, 2);
  m.card.refinement_gain = 0.7;
  m.card.cycles = 3;
  const auto path =
      std::filesystem::path(testing::TempDir()) / (inactive ? "inactive.safetensors" : "model.safetensors");
  save_checkpoint(path, m);
  return path;
}

Field rock(bool inactive) {
  Field k = draw_field({}, 2, 0, {12, 16});
  if (inactive)
    for (int j = 3; j < 6; ++j)
      for (int i = 2; i < 7; ++i) k.values[k.grid.index(i, j)] = 0.0;
  return k;
}

Tensor tensor_of(const Field& k) {
  return torch::tensor(k.values, torch::kFloat64).view({1, k.grid.ny, k.grid.nx});
}

std::vector<Tensor> parameters_of(const NamedTensors& named, torch::Dtype dtype) {
  std::vector<Tensor> list;
  for (const auto& [name, tensor] : named) list.push_back(tensor.detach().to(dtype).clone().requires_grad_());
  return list;
}

class Differentiable : public testing::TestWithParam<bool> {};

TEST_P(Differentiable, PredictsWhatTheSurrogateDoes) {
  const auto path = stored(GetParam());
  const Field k = rock(GetParam());
  DifferentiableModel model(path);
  const Surrogate surrogate(path, "cpu");
  for (const Method method :
       {Method::multigrid, Method::direct, Method::interpolation, Method::interleaved}) {
    const Tensor found =
        model.forward(tensor_of(k), parameters_of(model.named_parameters(), torch::kFloat32), method);
    const Tensor expected = tensor_of(surrogate.predict(k, method));
    EXPECT_LE((found - expected).norm().item<double>(), 1e-6 * expected.norm().item<double>())
        << to_string(method);
  }
}

TEST_P(Differentiable, GradientsAreThoseOfFiniteDifferences) {
  DifferentiableModel model(stored(GetParam()));
  const auto parameters = parameters_of(model.named_parameters(), torch::kFloat64);
  const Tensor k = tensor_of(rock(GetParam())).requires_grad_();
  const Tensor direction = torch::sin(torch::arange(k.numel(), torch::kFloat64)).view(k.sizes()) * k.detach();
  const auto loss = [&](const Tensor& at) {
    return model.forward(at, parameters, Method::multigrid).square().sum();
  };
  loss(k).backward();
  const double h = 1e-5;
  const double difference =
      (loss(k.detach() + h * direction) - loss(k.detach() - h * direction)).item<double>() / (2 * h);
  EXPECT_NEAR((k.grad() * direction).sum().item<double>(), difference, 1e-6 * std::abs(difference));
  EXPECT_TRUE(torch::isfinite(k.grad()).all().item<bool>());
  for (const Tensor& p : parameters) EXPECT_TRUE(p.grad().defined());
}

INSTANTIATE_TEST_SUITE_P(Cells, Differentiable, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "inactive" : "active"; });

TEST(DifferentiableNetwork, HasItsParametersFromTheCaller) {
  for (const auto model : {Architecture::Model::mano, Architecture::Model::fno}) {
    DifferentiableNetwork network(architecture_preset("small", model), 1),
        other(architecture_preset("small", model), 2);
    const Tensor x = torch::sin(torch::arange(3 * 256, torch::kFloat32)).view({1, 3, 16, 16});
    const auto own = parameters_of(network.named_parameters(), torch::kFloat32);
    const Tensor y = network.forward(x, own);
    EXPECT_TRUE(torch::equal(other.forward(x, own), y));
    const auto others = parameters_of(
        DifferentiableNetwork(architecture_preset("small", model), 2).named_parameters(), torch::kFloat32);
    EXPECT_FALSE(torch::equal(other.forward(x, others), y));
    auto wrong = own;
    wrong.pop_back();
    EXPECT_THROW(network.forward(x, wrong), InvalidInput);
    wrong = own;
    wrong[0] = wrong[0].to(torch::kFloat64);
    EXPECT_THROW(network.forward(x, wrong), InvalidInput);
    EXPECT_THROW(network.forward(x.narrow(1, 0, 2), own), InvalidInput);
  }
}

TEST(DifferentiableNetwork, RefusesMethodsThatSolve) {
  DifferentiableModel model(stored(false));
  const auto parameters = parameters_of(model.named_parameters(), torch::kFloat32);
  EXPECT_THROW(model.forward(torch::ones({1, 8, 8}), parameters, Method::exact_start), InvalidInput);
  EXPECT_THROW(model.forward(torch::zeros({1, 8, 8}), parameters, Method::multigrid), InvalidInput);
}

}  // namespace
}  // namespace mano
