#include "surrogate/kernels/attention.hpp"

#include <gtest/gtest.h>

#include "surrogate/kernels/attention_reference.hpp"
#include "surrogate/kernels/torch.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

std::vector<double> numbers(const torch::Tensor& t) {
  const auto plain = t.to(torch::kFloat64).contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

// The twin itself, on a size that one can do by hand: one head of width 1, a row of two tokens within a 2x2 window.
TEST(AttentionReference, ByHand) {
  const AttentionShape shape{1, 2, 2, 1, 1, 2, 1};
  const auto out =
      overlapping_attention_reference(shape, {0, 0, 0, 1}, {5, 5, 5, 5 + std::log(3.0)}, {1, 2, 3, 6});
  EXPECT_NEAR(out[0], 3.0, tolerance::kExact);                        // q = 0: the mean
  EXPECT_NEAR(out[3], (1 + 2 + 3 + 3 * 6) / 6.0, tolerance::kExact);  // weights 1, 1, 1, 3
}

struct Case {
  int batch, height, width, heads, dim_head, window, stride;
};

class Attention : public ::testing::TestWithParam<Case> {};

TEST_P(Attention, AgreesWithTheTwin) {
  const Case& c = GetParam();
  torch::manual_seed(3);
  const auto draw = [&] {
    return torch::randn({c.batch, c.height, c.width, c.heads, c.dim_head}, torch::kFloat64);
  };
  const auto q = draw(), k = draw(), v = draw();
  const auto twin =
      overlapping_attention_reference({c.batch, c.height, c.width, c.heads, c.dim_head, c.window, c.stride},
                                      numbers(q), numbers(k), numbers(v));
  const auto expected = torch::tensor(twin, torch::kFloat64).view(q.sizes());
  const double scale = expected.abs().max().item<double>();
  const auto out = overlapping_attention(torch::stack({q, k, v}, 3), c.window, c.stride);
  EXPECT_LT((out - expected).abs().max().item<double>(), tolerance::kExact * scale);
  const auto single =
      overlapping_attention(torch::stack({q, k, v}, 3).to(torch::kFloat32), c.window, c.stride);
  EXPECT_LT((single.to(torch::kFloat64) - expected).abs().max().item<double>(),
            tolerance::kSinglePrecision * scale);
}

INSTANTIATE_TEST_SUITE_P(AwkwardSizes, Attention,
                         ::testing::Values(Case{1, 2, 2, 1, 1, 2, 1}, Case{2, 7, 5, 3, 5, 2, 1},
                                           Case{1, 6, 9, 2, 4, 3, 1}, Case{1, 9, 7, 1, 3, 3, 2},
                                           Case{2, 8, 6, 2, 8, 2, 2}, Case{1, 11, 13, 2, 2, 4, 2},
                                           Case{1, 5, 4, 1, 2, 1, 1}, Case{1, 10, 10, 1, 2, 4, 3}));

TEST(Attention, HugeScoresDoNotOverflow) {
  const auto q = torch::full({1, 4, 4, 1, 2}, 1e4);
  const auto v = torch::ones({1, 4, 4, 1, 2});
  EXPECT_TRUE(torch::allclose(overlapping_attention(torch::stack({q, q, v}, 3), 2, 1), v));
}

TEST(Attention, IsDifferentiable) {
  torch::manual_seed(3);
  const auto qkv = torch::randn({2, 5, 4, 3, 2, 3}, torch::kFloat64).requires_grad_(true);
  const auto weights = torch::randn({2, 5, 4, 2, 3}, torch::kFloat64);
  const auto loss = [&] { return (overlapping_attention(qkv, 2, 1) * weights).sum(); };
  loss().backward();
  const torch::NoGradGuard no_grad;
  const auto along = torch::randn_like(qkv);
  const double expected = (qkv.grad() * along).sum().item<double>();
  qkv.add_(along, 1e-5);
  const double up = loss().item<double>();
  qkv.sub_(along, 2e-5);
  EXPECT_NEAR((up - loss().item<double>()) / 2e-5, expected, 1e-7 * std::abs(expected) + 1e-7);
}

TEST(CoveredTokens, LeavesOutWhatNoWindowReaches) {
  const auto covered = covered_tokens(5, 4, 2, 2, torch::kFloat64);
  EXPECT_EQ(covered[3][3][0].item<double>(), 1.0);
  EXPECT_EQ(covered[4][0][0].item<double>(), 0.0);
}

}  // namespace
}  // namespace mano
