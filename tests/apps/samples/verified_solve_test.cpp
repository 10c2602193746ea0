// Bad solutions of every kind are refused, good ones are not: nothing else is stored (tests/datagen/generator_test.cpp).
#include "apps/samples/verified_solve.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "solver/problems.hpp"

namespace mano {
namespace {

TEST(VerifiedSolve, RefusesWhatIsNotTheSolution) {
  for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
    for (const Field& k : {Field(Grid{24, 17}, 2.0), rough_permeability({24, 17})}) {
      const Problem problem = make_problem(problem_name, k);
      DarcySolver solver({.relative_tolerance = 1e-8, .ranks = SolverOptions::Ranks::self});
      const VerifiedSolution good = verified_solve(solver, problem);
      ASSERT_EQ(good.rejection, "") << problem_name;
      double size = 0;
      for (double p : good.pressure.values) size = std::max(size, std::abs(p));
      const auto rejected = [&](auto change) {
        Field p = good.pressure;
        for (std::size_t c = 0; c < p.values.size(); ++c) p.values[c] = change(c, p.values[c]);
        return !rejection_of(problem, p, 1e-8).empty();
      };
      EXPECT_TRUE(rejected([](std::size_t, double p) { return 1.001 * p; })) << problem_name;
      EXPECT_TRUE(rejected([&](std::size_t c, double p) { return p + 1e-3 * size * std::sin(double(c)); }))
          << problem_name;
      EXPECT_TRUE(rejected([&](std::size_t c, double p) { return c == 77 ? p + 1e-3 * size : p; }))
          << problem_name;
      EXPECT_TRUE(rejected([](std::size_t c, double p) {
        return c == 5 ? std::numeric_limits<double>::quiet_NaN() : p;
      })) << problem_name;
      EXPECT_TRUE(rejected([](std::size_t c, double p) {
        return c == 5 ? std::numeric_limits<double>::infinity() : p;
      })) << problem_name;
      EXPECT_TRUE(rejected([](std::size_t, double) { return 0.0; })) << problem_name;
    }
  }
}

}  // namespace
}  // namespace mano
