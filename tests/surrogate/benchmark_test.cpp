#include "surrogate/benchmark.hpp"

#include <gtest/gtest.h>

namespace mano {
namespace {

// By hand for one block of C = h d = mlp = 4, rate 2, on 4 x 4: levels of 16 and 4 tokens.
TEST(ModelWork, CountsTheMatrixProducts) {
  Architecture a;
  a.dim = a.mlp = 4;
  a.heads = 1;
  a.dim_head = 4;
  a.depth = 1;
  const double maps = 20 * 3 * 16;  // q, k, v; no output map
  const double mlp = 16 * 2 * 16;
  const double sampling = 2 * 4 * (4 * 4 * 4);  // down and up, a coarse token each
  const double ends = 16 * (4 * 3 + 16 + 4);
  EXPECT_EQ(model_work(a, 4, 4, 4).forward_macs, maps + mlp + sampling + ends);
}

TEST(ModelWork, OfThePaperIsAsPublishedInTheDocs) {
  const double tokens = 64.0 * 64;
  EXPECT_NEAR(2 * model_work(architecture_preset("paper"), 64, 64, 4).forward_macs / tokens, 2.65e6, 0.02e6);
}

TEST(Benchmark, MeasuresEveryFormAfterComparingTheAnswers) {
  BenchmarkRequest request;
  request.presets = {"small-published"};
  request.sizes = {16};
  request.tokens = 256;
  request.repetitions = 1;
  int reported = 0;
  const Benchmark b = run_benchmark(
      request, [&](const Benchmark& b) { EXPECT_EQ(b.rows.size(), static_cast<std::size_t>(++reported)); });
  ASSERT_EQ(b.rows.size(), 4u);
  EXPECT_EQ(reported, 4);
  EXPECT_GT(b.machine.gemm, 1e9);
  for (const BenchmarkRow& row : b.rows) {
    EXPECT_EQ(row.tokens(), 256);
    EXPECT_GT(row.step_seconds, 0.0);
    // At least what the backward pass needs: x of each block.
    EXPECT_GT(row.step_bytes, 4.0 * 32 * 256 * 4);
  }
  EXPECT_GT(b.rows[0].difference, 0.0);
  EXPECT_LT(b.rows[0].difference, 1e-3);
  // Memory does not depend on the machine: the copies of windows cost it several times over.
  EXPECT_GT(b.rows[0].step_bytes, 3 * b.rows[1].step_bytes);
}

}  // namespace
}  // namespace mano
