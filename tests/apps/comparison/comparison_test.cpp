#include "apps/comparison/comparison.hpp"

#include <gtest/gtest.h>

namespace mano {
namespace {

// A surrogate off by 2 %, and a solver that comes to 5 % in 1 ms, 1 % in 2 ms, 0.01 % in 4 ms.
ComparedResolution compared(double surrogate_seconds, double batched_seconds) {
  ComparedResolution r{"two-phase", "64x64", {64, 64}};
  ComparedSample good, bad;
  good.relative_l2 = 0.01;
  bad.relative_l2 = 0.03;
  r.samples = {good, bad};
  r.seconds_surrogate = surrogate_seconds;
  r.seconds_in_batches = batched_seconds;
  r.best_batch = batched_seconds < surrogate_seconds ? 16 : 1;
  r.solver = {
      "solver",
      {{"tolerance 0.1", 1e-3, 0.05}, {"tolerance 0.01", 2e-3, 0.01}, {"tolerance 0.001", 4e-3, 1e-4}}};
  return r;
}

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

Comparison of(std::vector<ComparedResolution> resolutions) {
  Comparison c;
  c.processor = "a processor";
  c.resolutions = std::move(resolutions);
  return c;
}

TEST(Verdict, IsThatOfTheCheapestSolveAtLeastAsNear) {
  const ComparedResolution r = compared(0.02, 0.02);
  ASSERT_NE(solver_at_surrogate_error(r), nullptr);
  EXPECT_EQ(solver_at_surrogate_error(r)->label, "tolerance 0.01");
  EXPECT_TRUE(says(verdict(r), "off by 2 % on average (2 fields, worst 3 %) and takes 20 ms")) << verdict(r);
  EXPECT_TRUE(says(verdict(r),
                   "(tolerance 0.01), is at least as near (1 %) in 2 ms: use the solver, 10 times faster"))
      << verdict(r);
}

TEST(Verdict, SaysEachOfTheThree) {
  EXPECT_TRUE(
      says(verdict(compared(0.02, 0.01)), "use the solver, 10 times faster (5.0 times in batches of 16)"));
  EXPECT_TRUE(says(verdict(compared(1e-3, 1e-4)),
                   "use the surrogate, 2.0 times faster (20 times in batches of 16) at that error"))
      << verdict(compared(1e-3, 1e-4));
  EXPECT_TRUE(says(verdict(compared(4e-3, 1e-3)),
                   "use the solver for single fields, 2.0 times faster, and the surrogate in batches of 16, "
                   "2.0 times faster"))
      << verdict(compared(4e-3, 1e-3));
}

TEST(Verdict, KnowsWhenThereIsNoSolver) {
  ComparedResolution r = compared(0.02, 0.02);
  r.solver.points.clear();
  EXPECT_EQ(solver_at_surrogate_error(r), nullptr);
  EXPECT_FALSE(says(verdict(r), "use"));
  EXPECT_TRUE(says(headline(of({r})), "No solver to compare with"));
}

TEST(Verdict, CallsFieldsOfTrainingSo) {
  ComparedResolution r = compared(0.02, 0.02);
  r.samples[1].trained_on = true;
  EXPECT_TRUE(verdict(r).starts_with("Caution: 1 of these 2 fields were trained on"));
}

TEST(Headline, IsOverAllResolutions) {
  EXPECT_TRUE(says(headline(of({compared(0.02, 0.02), compared(0.2, 0.2)})),
                   "Use the solver: it is 10 to 100 times faster at the surrogate's own error, on this "
                   "machine (a processor), "
                   "measured on 2 fields"))
      << headline(of({compared(0.02, 0.02), compared(0.2, 0.2)}));
  EXPECT_TRUE(says(headline(of({compared(1e-3, 1e-3)})),
                   "Use the surrogate where its error will do: it is 2.0 times"));
  EXPECT_TRUE(says(headline(of({compared(0.02, 0.02), compared(1e-4, 1e-4)})),
                   "the solver is up to 10 times faster, the surrogate up to 20 times"));
}

TEST(FirstGuess, InterpolatesBetweenCycles) {
  ComparedResolution r = compared(0.02, 0.02);
  EXPECT_EQ(initial_guess_verdict(r), "");
  r.corrected = {{"from zero", {{"", 0, 1.0}, {"", 0, 1e-4}, {"", 0, 1e-12}}},
                 {"from the surrogate", {{"", 0, 1e-6}, {"", 0, 1e-10}}}};
  EXPECT_TRUE(says(initial_guess_verdict(r), "1.5 from zero, 0.5 from the surrogate"))
      << initial_guess_verdict(r);
  r.corrected.push_back({"from afar", {{"", 0, 1.0}, {"", 0, 0.5}}});
  EXPECT_EQ(initial_guess_verdict(r), "");
}

TEST(EffectivePart, CountsWhatLiesWithin) {
  ComparedResolution r = compared(0.02, 0.02);
  EXPECT_FALSE(r.effective_part().has_value());
  r.samples[0].effectivity = 1.29;
  r.samples[1].effectivity = 0.5;
  EXPECT_EQ(*r.effective_part(), 0.5);
}

}  // namespace
}  // namespace mano
