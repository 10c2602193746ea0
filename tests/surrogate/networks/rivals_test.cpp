// Rivals: sizes, budgets, other resolutions, and what makes each what it is. That the FNO is neuraloperator's is tested in
// tests/surrogate/networks/fno_parity_test.cpp.
#include "surrogate/networks/rivals.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {
namespace {

using Model = Architecture::Model;
constexpr Model kRivals[] = {Model::fno,        Model::vit, Model::swin,    Model::unet,
                             Model::xcit,       Model::qna, Model::shunted, Model::hlg,
                             Model::reguformer, Model::mat, Model::lit,     Model::transdepth};

torch::Tensor waves(int64_t height, int64_t width) {
  const auto x = torch::arange(width) * 0.37;
  const auto y = torch::arange(height).unsqueeze(1) * 0.21;
  return torch::stack({torch::sin(x + y), torch::cos(x - y), torch::sin(x * y)})
      .unsqueeze(0)
      .repeat({2, 1, 1, 1});
}

TEST(Rivals, HaveTheParametersOfTheirBudget) {
  std::vector<Model> models{Model::mano};
  models.insert(models.end(), std::begin(kRivals), std::end(kRivals));
  for (Model model : models) {
    for (const auto& [preset, budget] : {std::pair{"small", 70e3}, std::pair{"large", 600e3}}) {
      const auto count =
          static_cast<double>(make_network(architecture_preset(preset, model), 0)->parameter_count());
      EXPECT_NEAR(count / budget, 1.0, 0.1) << to_string(model) << " " << preset << " " << count;
    }
    const auto presets = presets_of(model);
    if (std::find(presets.begin(), presets.end(), "wide") == presets.end()) {
      EXPECT_THROW(architecture_preset("wide", model), InvalidInput);
      continue;
    }
    const Architecture wide = architecture_preset("wide", model);
    EXPECT_GT(wide.dim, architecture_preset("small", model).dim);
    const double budget = model == Model::mano ? 97e3 : 70e3;  // MANO's has a head point by point
    EXPECT_NEAR(make_network(wide, 0)->parameter_count() / budget, 1.0, 0.2) << to_string(model);
  }
}

TEST(Rivals, KeepTheGridAndDifferentiate) {
  const torch::Tensor input = waves(24, 32);
  for (Model model : kRivals) {
    const auto network = make_network(architecture_preset("small", model), 1);
    const auto output = network->forward(input);
    EXPECT_EQ(output.sizes(), (std::vector<int64_t>{2, 1, 24, 32})) << to_string(model);
    output.square().sum().backward();
    for (const auto& [name, parameter] : network->named_parameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << to_string(model) << " " << name;
      EXPECT_GT(parameter.grad().abs().max().item<double>(), 0.0) << to_string(model) << " " << name;
    }
    // The samples of a batch do not see each other.
    const auto alone = network->forward(input.slice(0, 0, 1));
    EXPECT_LT((alone - output.slice(0, 0, 1)).abs().max().item<double>(), 1e-5) << to_string(model);
  }
}

TEST(Rivals, ComeBackFromTheirJson) {
  for (Model model : kRivals) {
    Architecture a = architecture_preset("small", model);
    a.dim = 24;
    a.heads = 6;
    const Architecture back = architecture_from_json(to_json(a));
    EXPECT_EQ(to_json(back), to_json(a));
    EXPECT_EQ(back.model, model);
  }
}

TEST(Rivals, DrawTheSameWeightsFromTheSameSeed) {
  for (Model model : kRivals) {
    const Architecture a = architecture_preset("small", model);
    const auto one = make_network(a, 7)->parameters(), same = make_network(a, 7)->parameters();
    const auto other = make_network(a, 8)->parameters();
    EXPECT_TRUE(torch::equal(one[0], same[0]));
    EXPECT_FALSE(torch::equal(one[0], other[0]));
  }
}

// A band-limited field is the same function at any resolution; so is what an FNO makes of it, where no nonlinearity adds modes.
TEST(Fno, AgreesWithItselfAtTwiceTheResolutionOnSmoothInput) {
  const auto network = make_network(architecture_preset("small", Model::fno), 3);
  const auto input = [](int64_t n) {
    const auto t = torch::arange(n) * (2 * M_PI / n);
    const auto s = torch::sin(t).unsqueeze(0) * torch::cos(t).unsqueeze(1);
    return torch::stack({s, s * 0.5, torch::cos(t).unsqueeze(0).expand({n, n})}).unsqueeze(0);
  };
  const auto coarse = network->forward(input(32));
  const auto fine = network->forward(input(64));
  const auto subsampled = fine.slice(2, 0, torch::nullopt, 2).slice(3, 0, torch::nullopt, 2);
  EXPECT_LT(((subsampled - coarse).norm() / coarse.norm()).item<double>(), 1e-2);
}

TEST(Fno, TakesGridsSmallerThanItsModes) {
  const auto network = make_network(architecture_preset("large", Model::fno), 3);
  EXPECT_EQ(network->forward(waves(7, 6)).sizes(), (std::vector<int64_t>{2, 1, 7, 6}));
}

// One block without shift: a change in one window must not reach another.
TEST(Swin, AttendsWithinItsWindows) {
  Architecture a = architecture_preset("small", Model::swin);
  a.depth = 1;
  a.patch = 1;
  a.window = 4;
  const auto network = make_network(a, 5);
  auto changed = waves(10, 9);  // windows that the grid does not fill
  const auto before = network->forward(changed);
  changed.slice(2, 0, 4).slice(3, 0, 4) += 1.0;
  const auto difference = (network->forward(changed) - before).abs().amax({0, 1});
  EXPECT_GT(difference.slice(0, 0, 4).slice(1, 0, 4).min().item<double>(), 0.0);
  EXPECT_EQ(difference.slice(0, 4).max().item<double>(), 0.0);
  EXPECT_EQ(difference.slice(1, 4).max().item<double>(), 0.0);
  // The second block's windows are shifted: now it reaches half a window further, and no further.
  a.depth = 2;
  const auto deeper = make_network(a, 5);
  const auto shifted = (deeper->forward(changed) - deeper->forward(waves(10, 9))).abs().amax({0, 1});
  EXPECT_GT(shifted[5][5].item<double>(), 0.0);
  EXPECT_EQ(shifted.slice(0, 6).max().item<double>(), 0.0);
}

TEST(Rivals, RefuseGridsThatTheirPatchesDoNotDivide) {
  for (Model model : {Model::vit, Model::swin}) {
    Architecture a = architecture_preset("small", model);
    a.patch = 4;
    EXPECT_THROW(check_grid(a, 30, 32), InvalidInput);
    EXPECT_THROW(make_network(a, 0)->forward(waves(30, 32)), InvalidInput);
    EXPECT_NO_THROW(check_grid(a, 28, 32));
  }
}

}  // namespace
}  // namespace mano
