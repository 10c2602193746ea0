#include "core/norms.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

Field two_by_one(double a, double b) {
  Field f(Grid{2, 1, 1.0, 1.0});
  f.values = {a, b};
  return f;
}

TEST(Norms, OfHandCheckableFields) {
  // e = (1, 0), b = (3, 4): |e| = 1, |b| = 5; gradients over hx = 1/2: -2 and 2.
  const Field b = two_by_one(3, 4);
  const Field a = two_by_one(4, 4);
  EXPECT_NEAR(relative_l2(a, b), 0.2, tolerance::kExact);
  EXPECT_NEAR(relative_h1(a, b), std::sqrt((1.0 + 4.0) / (25.0 + 4.0)), tolerance::kExact);
  EXPECT_NEAR(largest_error(a, b), 1.0, tolerance::kExact);
}

TEST(Norms, RefuseFieldsOfDifferentGrids) {
  EXPECT_THROW(relative_l2(Field(Grid{2, 1}), Field(Grid{1, 2})), InvalidInput);
}

TEST(Summary, MeanMedianMax) {
  const ErrorSummary odd = summarize({3, 1, 8});
  EXPECT_DOUBLE_EQ(odd.mean, 4);
  EXPECT_DOUBLE_EQ(odd.median, 3);
  EXPECT_DOUBLE_EQ(odd.max, 8);
  EXPECT_DOUBLE_EQ(summarize({4, 1, 2, 9}).median, 3);
}

TEST(Norms, RootMeanSquareAndCoveredPart) {
  EXPECT_NEAR(root_mean_square({3, 4}), std::sqrt(12.5), tolerance::kExact);
  EXPECT_EQ(covered_part(two_by_one(1, 2), two_by_one(1.5, 4), 0.5), 0.5);
  EXPECT_EQ(covered_part(two_by_one(1, 2), two_by_one(1, 2), 0.0), 1.0);
}

}  // namespace
}  // namespace mano
