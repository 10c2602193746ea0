// Which weights are matrices, and what makes a matrix orthonormal, against the singular value decomposition.
#include "surrogate/training/muon.hpp"

#include <gtest/gtest.h>

#include "surrogate/kernels/torch.hpp"

namespace mano {
namespace {

using torch::Tensor;

TEST(Muon, TakesMatricesAndKernelsAndModes) {
  const auto shape = [](std::vector<std::int64_t> weight) {
    if (!muon::has_matrices(weight)) return std::vector<std::int64_t>{};
    weight.insert(weight.begin(), 3);  // of three such weights
    return muon::matrices(torch::zeros(weight)).sizes().vec();
  };
  const std::vector<std::int64_t> none;
  EXPECT_EQ(shape({96, 32}), (std::vector<std::int64_t>{3, 96, 32}));
  EXPECT_EQ(shape({16, 12, 3, 3}), (std::vector<std::int64_t>{3, 16, 108}));
  EXPECT_EQ(shape({20, 20, 8, 5, 2}), (std::vector<std::int64_t>{120, 20, 20}));
  EXPECT_TRUE(muon::matrices(torch::zeros({1, 20, 20, 8, 5, 2})).is_complex());
  EXPECT_EQ(shape({32}), none);
  EXPECT_EQ(shape({1, 32}), none);
  EXPECT_EQ(shape({32, 3}), none);
  EXPECT_EQ(shape({64, 1, 3, 3}), none);  // a channel by itself
}

TEST(Muon, MatricesBecomeTheirWeightsAgain) {
  torch::manual_seed(1);
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{3, 24, 8}, {2, 16, 12, 3, 3}, {2, 8, 10, 4, 3, 2}}) {
    const auto w = torch::randn(shape);
    EXPECT_TRUE(torch::equal(muon::weights_of(muon::matrices(w), w.sizes()), w));
  }
}

// With m = U S V^H the result is U T V^H with T near one: U^H result V is diagonal.
TEST(Muon, BringsSingularValuesNearOne) {
  torch::manual_seed(2);
  for (const auto& m :
       {torch::randn({3, 16, 40}, torch::kFloat64), torch::randn({2, 40, 16}, torch::kFloat64),
        torch::randn({2, 12, 12}, torch::kFloat64), torch::randn({2, 12, 20}, torch::kComplexDouble)}) {
    const auto [u, s, vh] = torch::linalg_svd(m * 1e-6, false);  // any size
    const auto t = torch::matmul(torch::matmul(u.mH(), muon::orthonormal(m * 1e-6)), vh.mH());
    const auto diagonal = torch::real(torch::diagonal(t, 0, 1, 2));
    // Square matrices have small singular values, too: only those above 1e-3 of the norm must have come near.
    const auto seen = s > 1e-3 * torch::linalg_vector_norm(s, 2, torch::IntArrayRef({1}), true);
    EXPECT_GT(torch::where(seen, diagonal, torch::ones_like(diagonal)).min().item<double>(), 0.6);
    EXPECT_LT(diagonal.max().item<double>(), 1.3);
    EXPECT_LT((t - torch::diag_embed(torch::diagonal(t, 0, 1, 2))).abs().max().item<double>(), 1e-10);
  }
}

TEST(Muon, NothingStaysNothing) {
  EXPECT_EQ(muon::orthonormal(torch::zeros({2, 8, 9})).abs().max().item<double>(), 0.0);
}

}  // namespace
}  // namespace mano
