#include "surrogate/kernels/gemm.hpp"

#include <gtest/gtest.h>

#include <random>

#include "core/instructions.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {

namespace baseline {
extern const Product<float> product_float;
extern const Product<double> product_double;
}  // namespace baseline
#ifdef __x86_64__
namespace avx2 {
extern const Product<float> product_float;
extern const Product<double> product_double;
}  // namespace avx2
#endif

namespace {

struct Sizes {
  std::int64_t m, n, k;
};

// Every remainder of rows and columns, of each instruction set's tiles, and more than one slice of k.
std::vector<Sizes> sizes() {
  std::vector<Sizes> all;
  for (std::int64_t i = 1; i <= 33; ++i) all.push_back({i, 70 - 2 * i, 5 + i});
  all.insert(all.end(), {{29, 33, 255}, {15, 48, 256}, {7, 39, 257}, {96, 32, 1030}, {1, 1, 1}, {0, 5, 3}});
  return all;
}

template <typename T>
std::vector<T> numbers(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<T> one(-1, 1);
  std::vector<T> all(count);
  for (T& x : all) x = one(random);
  return all;
}

// sum_i a(r, i) b(i, j), and the sum of its terms' absolute values.
template <typename T>
std::pair<double, double> expected(const Sizes& s, Layout layout_a, const std::vector<T>& a,
                                   const std::vector<T>& b, std::int64_t r, std::int64_t j) {
  double sum = 0, bound = 0;
  for (std::int64_t i = 0; i < s.k; ++i) {
    const double term =
        static_cast<double>(a[layout_a == Layout::plain ? r * s.k + i : i * s.m + r]) * b[i * s.n + j];
    sum += term;
    bound += std::abs(term);
  }
  return {sum, bound};
}

template <typename T>
class Products : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Products, Types);

TYPED_TEST(Products, AreSumsOfProductsInEverySize) {
  constexpr double kEpsilon = std::numeric_limits<TypeParam>::epsilon();
  for (const Sizes& s : sizes()) {
    const auto a = numbers<TypeParam>(s.m * s.k, 1), b = numbers<TypeParam>(s.k * s.n, 2);
    std::vector<TypeParam> c(s.m * s.n + 1, 7);
    multiply(s.m, s.n, s.k, a.data(), b.data(), c.data());
    for (std::int64_t r = 0; r < s.m; ++r) {
      for (std::int64_t j = 0; j < s.n; ++j) {
        const auto [sum, bound] = expected(s, Layout::plain, a, b, r, j);
        ASSERT_NEAR(c[r * s.n + j], sum, bound * s.k * kEpsilon) << s.m << " " << s.n << " " << s.k;
      }
    }
    ASSERT_EQ(c.back(), 7) << "written beyond the end";
  }
}

TYPED_TEST(Products, OfTransposedMatricesAreAddedUp) {
  for (const Sizes& s : sizes()) {
    const auto a = numbers<TypeParam>(s.m * s.k, 3), b = numbers<TypeParam>(s.k * s.n, 4);
    const auto before = numbers<TypeParam>(s.m * s.n, 5);
    auto c = before;
    add_transposed_product(s.m, s.n, s.k, a.data(), b.data(), c.data());
    for (std::int64_t r = 0; r < s.m; ++r) {
      for (std::int64_t j = 0; j < s.n; ++j) {
        const auto [sum, bound] = expected(s, Layout::transposed, a, b, r, j);
        const double start = before[r * s.n + j];
        ASSERT_NEAR(c[r * s.n + j], start + sum,
                    (std::abs(start) + bound) * (s.k + 1) * std::numeric_limits<TypeParam>::epsilon());
      }
    }
  }
}

template <typename T>
void expect_products(Product<T> product) {
  for (const Sizes& s : sizes()) {
    const auto a = numbers<T>(s.m * s.k, 6), b = numbers<T>(s.k * s.n, 7);
    std::vector<T> c(s.m * s.n, 7);
    product(s.m, s.n, s.k, a.data(), 1, s.m, b.data(), false, c.data());
    product(s.m, s.n, s.k, a.data(), 1, s.m, b.data(), true, c.data());
    for (std::int64_t r = 0; r < s.m; ++r) {
      for (std::int64_t j = 0; j < s.n; ++j) {
        const auto [sum, bound] = expected(s, Layout::transposed, a, b, r, j);
        ASSERT_NEAR(c[r * s.n + j], 2 * sum, 2 * bound * s.k * std::numeric_limits<T>::epsilon());
      }
    }
  }
}

// The other tests have the best one that this machine knows.
TEST(ProductKernels, OfOlderProcessorsAgree) {
  expect_products(baseline::product_float);
  expect_products(baseline::product_double);
#ifdef __x86_64__
  if (best_instructions() == Instructions::baseline) GTEST_SKIP() << "this processor has no AVX2";
  expect_products(avx2::product_float);
  expect_products(avx2::product_double);
#endif
}

TEST(BatchedProduct, AgreesWithTorchOfEveryTypeAndLayout) {
  for (const auto type : {torch::kFloat, torch::kDouble, torch::kComplexFloat}) {
    const auto options = torch::TensorOptions(type);
    const auto a = torch::randn({3, 20, 37}, options), b = torch::randn({3, 37, 41}, options),
               c = torch::randn({3, 20, 41}, options), kept = c.clone();
    const auto turned = b.mH().contiguous();
    const auto close = [](const torch::Tensor& x, const torch::Tensor& y) {
      return torch::allclose(x, y, 1e-5, 1e-5);
    };
    EXPECT_TRUE(close(batched_product(a, b, Layout::plain), torch::bmm(a, b)));
    EXPECT_TRUE(close(batched_product(a, turned, Layout::transposed), torch::bmm(a, b)));
    EXPECT_TRUE(
        close(batched_product(a, b, Layout::plain, {c, 3.0, -0.5}), torch::baddbmm(c, a, b, 3.0, -0.5)));
    EXPECT_TRUE(torch::equal(c, kept));
    EXPECT_TRUE(close(batched_product(a, turned.mH(), Layout::plain), torch::bmm(a, b))) << "not contiguous";
  }
}

}  // namespace
}  // namespace mano
