#include "apps/samples/sample_stream.hpp"

#include <gtest/gtest.h>

#include "apps/samples/petsc_reserve.hpp"
#include "core/error.hpp"
#include "solver/verification.hpp"

namespace mano {
namespace {

SampleOptions options() {
  SampleOptions o;
  o.field.field = "lognormal";
  o.field.seed = 4;
  o.flow.wells = {"0.1,0.1,rate=1", "0.9,0.9,bhp=0,radius=0.001"};
  o.resolution = "16x12";
  return o;
}

TEST(SampleStream, MakesTheSameSampleForAnyNumberOfThreads) {
  SampleStream stream(options());
  std::vector<Sample> one(6);
  std::vector<Sample> three(6);
  stream.make(10, 6, 1, [&](int i, const Sample& s) { one[i] = s; });
  stream.make(10, 6, 3, [&](int i, const Sample& s) { three[i] = s; });
  SampleSolver solver(1e-10);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(one[i].number, 10u + i);
    EXPECT_EQ(one[i].pressure.values, three[i].pressure.values);
    EXPECT_EQ(one[i].pressure.values, stream.make(10 + i, solver).pressure.values);
    EXPECT_EQ(rejection_of(stream.flow().problem(one[i]), one[i].pressure, 1e-10), "");
  }
  EXPECT_FALSE(petsc_is_running());
}

TEST(SampleStream, RefusesAtOnceWhatFitsNoSample) {
  const auto refused = [](const std::function<void(SampleOptions&)>& change) {
    SampleOptions o = options();
    change(o);
    EXPECT_THROW(SampleStream{o}, InvalidInput);
  };
  refused([](SampleOptions& o) { o.field.field = "granite"; });
  refused([](SampleOptions& o) { o.flow.wells = {"2,0.1,rate=1"}; });
  refused([](SampleOptions& o) { o.tolerance = 1.0; });
  refused([](SampleOptions& o) { o.resolution = "0x3"; });
}

TEST(SampleStream, NamesTheProblemThatCannotBeSolved) {
  const auto problem_of = [](int i) {
    Field k(Grid{4, 4}, i == 2 ? -1.0 : 1.0);
    return make_problem("drive", k);
  };
  try {
    solve_many(4, 2, 1e-10, problem_of, [](int, Problem&, VerifiedSolution&) {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_status(), 2);
    EXPECT_TRUE(std::string(e.what()).starts_with("problem 2: ")) << e.what();
  }
}

}  // namespace
}  // namespace mano
