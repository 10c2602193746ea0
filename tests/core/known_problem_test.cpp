#include "core/known_problem.hpp"

#include <gtest/gtest.h>

namespace mano {
namespace {

TEST(KnownProblem, KnowsTheNamedSetupsAlone) {
  EXPECT_FALSE(known_problem("unknown"));
  EXPECT_FALSE(known_problem("closed"));  // nothing moves until wells or sides are added
  EXPECT_FALSE(known_problem("custom:0123"));
  EXPECT_FALSE(known_problem("benchmark")->pressure_is_free());
  EXPECT_FALSE(known_problem("drive")->pressure_is_free());
  EXPECT_TRUE(known_problem("five-spot")->pressure_is_free());
  EXPECT_TRUE(closed_problem().pressure_is_free());
}

}  // namespace
}  // namespace mano
