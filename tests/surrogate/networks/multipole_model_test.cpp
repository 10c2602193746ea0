#include "surrogate/networks/multipole_model.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

TEST(Levels, FollowTheSizeOfTheInput) {
  Architecture a;
  EXPECT_EQ(a.levels_for(16, 16), 4);
  EXPECT_EQ(a.levels_for(64, 64), 6);
  EXPECT_EQ(a.levels_for(17, 17), 4);
  EXPECT_EQ(a.levels_for(100, 20), 4);  // floor(log2 20)
  EXPECT_EQ(a.levels_for(2, 2), 1);
  EXPECT_THROW(a.levels_for(1, 64), InvalidInput);
  a.window = 4;
  EXPECT_EQ(a.levels_for(16, 16), 3);  // 16, 8, 4: a coarser level would hold no window
  a.rate = 4;
  EXPECT_EQ(a.levels_for(64, 64), 3);
}

TEST(Sampling, DownIsAConvolutionWithKernelEqualToStride) {
  torch::manual_seed(1);
  const auto x = torch::randn({2, 6, 4, 3}, torch::kFloat64);
  const auto w = torch::randn({3, 3, 2, 2}, torch::kFloat64);
  const auto expected = torch::conv2d(x.permute({0, 3, 1, 2}), w, {}, 2).permute({0, 2, 3, 1});
  EXPECT_TRUE(torch::allclose(sample_down(x, w, 2), expected, 0, 1e-12));
  const auto pooled = torch::avg_pool2d(x.permute({0, 3, 1, 2}), 2).permute({0, 2, 3, 1});
  EXPECT_TRUE(torch::allclose(sample_down(x, {}, 2), pooled, 0, 1e-12));
}

TEST(Sampling, UpIsATransposedConvolutionCroppedToTheFinerLevel) {
  torch::manual_seed(1);
  const auto x = torch::randn({2, 3, 2, 3}, torch::kFloat64);
  const auto w = torch::randn({3, 3, 2, 2}, torch::kFloat64);
  const auto expected = torch::conv_transpose2d(x.permute({0, 3, 1, 2}), w, {}, 2).permute({0, 2, 3, 1});
  EXPECT_TRUE(torch::allclose(sample_up(x, w, 2, 6, 4), expected, 0, 1e-12));
  EXPECT_TRUE(torch::allclose(sample_up(x, w, 2, 5, 3), expected.narrow(1, 0, 5).narrow(2, 0, 3), 0, 1e-12));
}

TEST(Sampling, RepeatsTheLastRowAndColumnWhereTheRateDoesNotDivide) {
  const auto x = torch::arange(5, torch::kFloat64).view({1, 1, 5, 1});
  const auto down = sample_down(x, {}, 2);
  EXPECT_TRUE(torch::equal(down.flatten(), torch::tensor({0.5, 2.5, 4.0}, torch::kFloat64)));
}

TEST(Model, TakesAnySizeThatHoldsAWindow) {
  for (const char* preset : {"small", "small-published"}) {
    const MultipoleModel model(architecture_preset(preset), 0);
    const torch::NoGradGuard no_grad;
    for (auto [h, w] : {std::pair{16, 16}, {17, 23}, {3, 40}, {5, 3}, {48, 20}}) {
      const auto y = model.forward(torch::randn({2, 3, h, w}));
      EXPECT_EQ(y.sizes(), (std::vector<int64_t>{2, 1, h, w}));
      EXPECT_TRUE(torch::isfinite(y).all().item<bool>());
    }
    EXPECT_THROW(model.forward(torch::randn({1, 3, 1, 8})), InvalidInput);
  }
}

TEST(Model, FrozenIsItselfUntilItGetsOtherWeights) {
  for (const char* preset : {"small", "small-published", "wide"}) {
    MultipoleModel model(architecture_preset(preset), 0);
    const MultipoleModel other(architecture_preset(preset), 1);
    torch::manual_seed(3);
    const auto x = torch::randn({2, 3, 17, 12});
    const torch::NoGradGuard no_grad;
    const auto before = model.forward(x);
    model.freeze();
    for (const auto& p : model.parameters()) EXPECT_FALSE(p.requires_grad());
    EXPECT_TRUE(torch::equal(model.forward(x), before)) << preset;
    model.use_parameters(other.parameters());
    EXPECT_TRUE(torch::equal(model.forward(x), other.forward(x))) << preset;
    model.freeze();
    model.to(torch::kCPU, torch::kFloat64);
    EXPECT_TRUE(torch::allclose(model.forward(x.to(torch::kFloat64)).to(torch::kFloat32), other.forward(x),
                                1e-4, 1e-5));
  }
}

TEST(Model, PresetsHaveTheirSizes) {
  EXPECT_LE(MultipoleModel(architecture_preset("small"), 0).parameter_count(), 80'000);
  EXPECT_EQ(MultipoleModel(architecture_preset("wide"), 0).parameter_count(), 97'425);
  EXPECT_EQ(MultipoleModel(architecture_preset("small-published"), 0).parameter_count(), 68'097);
  EXPECT_THROW(architecture_preset("giant"), InvalidInput);
}

TEST(Model, WeightsDependOnTheSeedAlone) {
  const MultipoleModel a(Architecture{}, 4), b(Architecture{}, 4), c(Architecture{}, 5);
  for (std::size_t i = 0; i < a.parameters().size(); ++i)
    EXPECT_TRUE(torch::equal(a.parameters()[i], b.parameters()[i]));
  EXPECT_FALSE(torch::equal(a.parameters()[0], c.parameters()[0]));
}

TEST(Model, OneHeadAsWideAsTheTokenHasNoOutputMap) {
  Architecture a;
  a.heads = 1;
  a.dim_head = a.dim;
  for (const auto& [name, tensor] : MultipoleModel(a, 0).named_parameters()) {
    EXPECT_EQ(name.find("to_out"), std::string::npos) << name;
  }
}

TEST(ArchitectureJson, GoesThereAndBackAndIsChecked) {
  Architecture a;
  a.levels = 3;
  a.sampling = Architecture::Sampling::avg_pool;
  EXPECT_EQ(architecture_from_json(to_json(a)), a);
  EXPECT_THROW(architecture_from_json("{}"), InvalidInput);
  EXPECT_THROW(architecture_from_json("[1"), InvalidInput);
  EXPECT_THROW(architecture_from_json(R"({"model": "fno"})"), InvalidInput);
  a.dim = -1;
  EXPECT_THROW(architecture_from_json(to_json(a)), InvalidInput);
}

}  // namespace
}  // namespace mano
