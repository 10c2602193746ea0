#include "core/field.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.hpp"

namespace mano {
namespace {

TEST(Resolution, ParsesWidthThenHeight) {
  EXPECT_EQ(parse_resolution("256x128"), (Resolution{256, 128}));
  EXPECT_EQ(parse_resolutions("8x8,1x7"), (std::vector<Resolution>{{8, 8}, {1, 7}}));
}

TEST(Resolution, RefusesEverythingElseAndShowsIt) {
  for (const char* text : {"", "64", "64x", "x64", "0x4", "-4x4", "4x4x4", "4 x4", "4.5x4", "1e3x4",
                           "99999999999x2", "65536x65536"}) {
    try {
      parse_resolution(text);
      ADD_FAILURE() << text;
    } catch (const InvalidInput& e) {
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
      EXPECT_EQ(e.exit_status(), 2);
    }
  }
  EXPECT_THROW(parse_resolutions("8x8,"), InvalidInput);
}

TEST(Size, IsFiniteAndPositive) {
  EXPECT_EQ(parse_size("2.5x1"), (std::pair{2.5, 1.0}));
  for (const char* text : {"0x1", "-1x1", "infx1", "nanx1", "1"})
    EXPECT_THROW(parse_size(text), InvalidInput) << text;
}

TEST(Grid, CoordinatesAreCellCentresOrNodes) {
  const Grid g{4, 2, 2.0, 1.0};
  EXPECT_DOUBLE_EQ(g.x(0), 0.25);
  EXPECT_DOUBLE_EQ(g.x(3), 1.75);
  EXPECT_DOUBLE_EQ(g.y(1), 0.75);
  EXPECT_DOUBLE_EQ(g.x(0, Location::node), 0.0);
  EXPECT_DOUBLE_EQ(g.x(3, Location::node), 1.5);
  const Grid moved{4, 2, 2.0, 1.0, 10.0, -20.0};
  EXPECT_DOUBLE_EQ(moved.x(0), 10.25);
  EXPECT_DOUBLE_EQ(moved.y(1, Location::node), -19.5);
  EXPECT_EQ(g.index(3, 1), 7u);
}

TEST(Permeability, NamesTheCellThatIsWrong) {
  for (double bad :
       {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Field k(Grid{3, 2}, 1.0);
    k(2, 1) = bad;
    try {
      check_permeability(k, "rock");
      ADD_FAILURE() << bad;
    } catch (const InvalidInput& e) {
      EXPECT_NE(std::string(e.what()).find("rock"), std::string::npos);
      EXPECT_NE(std::string(e.what()).find("(2, 1)"), std::string::npos) << e.what();
    }
  }
}

// Every place of an odd length: the chains of the loop and what is left over.
TEST(LeastAndMost, SeesEveryPlace) {
  for (std::size_t place = 0; place < 21; ++place) {
    std::vector<double> values(21, 2.0);
    values[place] = 5.0;
    EXPECT_EQ(least_and_most(values).most, 5.0) << place;
    values[place] = -5.0;
    EXPECT_EQ(least_and_most(values).least, -5.0) << place;
    EXPECT_TRUE(least_and_most(values).finite) << place;
    values[place] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_FALSE(least_and_most(values).finite) << place;
    values[place] = -std::numeric_limits<double>::infinity();
    EXPECT_FALSE(least_and_most(values).finite) << place;
  }
}

}  // namespace
}  // namespace mano
