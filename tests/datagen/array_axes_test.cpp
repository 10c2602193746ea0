#include "datagen/array_axes.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace mano {
namespace {

using Shape = std::vector<std::size_t>;
constexpr auto kOther = ArrayOrigin::other;
constexpr auto kMatlab = ArrayOrigin::matlab;

std::string error(const Shape& shape, ArrayOrigin origin, const ArrayOptions& options = {}) {
  try {
    array_axes(shape, origin, options, "'a'");
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "";
}

TEST(ArrayAxes, AreToldFromTheShapeWhereItIsClear) {
  EXPECT_EQ(array_axes({4, 6}, kOther, {}, ""), "yx");
  EXPECT_EQ(array_axes({3, 4, 6}, kOther, {}, ""), "nyx");
  EXPECT_EQ(array_axes({3, 1, 4, 6}, kOther, {}, ""), "ncyx");
  EXPECT_EQ(array_axes({3, 4, 6, 1}, kOther, {}, ""), "nyxc");
  EXPECT_EQ(array_axes({3, 2, 4, 6}, kOther, {.time_step = 1}, ""), "ntyx");
  EXPECT_EQ(array_axes({3, 4, 1}, ArrayOrigin::mano, {}, ""), "nyx");
}

TEST(ArrayAxes, OfMatlabAreReversed) {
  EXPECT_EQ(array_axes({6, 4}, kMatlab, {}, ""), "xy");
  EXPECT_EQ(array_axes({8, 8, 5}, kMatlab, {}, ""), "xyn");  // [N, s, s] in MATLAB
  EXPECT_EQ(array_axes({5, 8, 8}, kMatlab, {}, ""), "nxy");  // [s, s, N]
  for (const Shape& shape : {Shape{20, 32, 24}, Shape{8, 8, 8}, Shape{2, 3, 4, 4}})
    EXPECT_NE(error(shape, kMatlab).find("--axes"), std::string::npos);
  EXPECT_EQ(array_axes({20, 32, 24}, kMatlab, {.axes = "n,x,y"}, ""), "nxy");
}

TEST(ArrayAxes, AskedForHoldForArraysWithFewerAxesToo) {
  const ArrayOptions time{.axes = "t,n,x,y", .time_step = 2};
  EXPECT_EQ(array_axes({3, 5, 6, 4}, kOther, time, ""), "tnxy");
  EXPECT_EQ(array_axes({5, 6, 4}, kOther, time, ""), "nxy");
  EXPECT_EQ(array_axes({6, 4}, kOther, time, ""), "xy");
  EXPECT_NE(error({6, 4, 5, 5, 5}, kOther, time).find("names 4"), std::string::npos);
  EXPECT_NE(error({5, 6, 4}, kOther, {.axes = "y,x"}).find("names 2"), std::string::npos);
  EXPECT_NE(error({2, 3, 4}, ArrayOrigin::mano, {.axes = "x,y,n"}).find("mano"), std::string::npos);
}

TEST(ArrayAxes, OfVolumesAreNamedOrOurs) {
  const ArrayOptions layers{.axes = "n,x,y,z"};
  EXPECT_EQ(array_axes({3, 4, 5, 6}, kOther, layers, ""), "nxyz");
  EXPECT_EQ(array_axes({4, 5, 6}, kOther, layers, ""), "xyz");  // one mask for all
  EXPECT_EQ(array_axes({3, 1, 4, 5, 6}, kOther, {.axes = "n,c,z,y,x"}, ""), "nczyx");
  EXPECT_EQ(array_axes({3, 4, 5, 6}, kOther, {.axes = "n,c,z,y,x"}, ""), "nzyx");
  EXPECT_EQ(array_axes({3, 4, 5}, kOther, {}, ""), "nyx");
  EXPECT_NE(error({3, 4, 5, 6}, kOther).find("--axes n,z,y,x"), std::string::npos);
  constexpr auto kVolumes = ArrayOrigin::mano_volume;
  EXPECT_EQ(array_axes({3, 4, 5, 6}, kVolumes, {}, ""), "nzyx");
  EXPECT_EQ(array_axes({3, 1, 4, 5, 6}, kVolumes, {}, ""), "nczyx");
  EXPECT_EQ(array_axes({3, 4, 5, 6}, kVolumes, {.time_step = 1}, ""), "nzyx");  // no time
  EXPECT_NE(error({3, 4, 5, 6}, kVolumes, {.axes = "n,t,y,x", .time_step = 1}).find("n,z,y,x"),
            std::string::npos);
  EXPECT_NE(error({3, 4, 5}, kVolumes).find("volumes"), std::string::npos);
}

TEST(ArrayAxes, ThatAreAmbiguousAreRefused) {
  EXPECT_NE(error({5, 5, 1}, kOther).find("channel"), std::string::npos);
  EXPECT_NE(error({3, 1, 4, 1}, kOther).find("channel"), std::string::npos);
  EXPECT_NE(error({3, 2, 4, 6}, kOther).find("--time-step"), std::string::npos);
  EXPECT_NE(error({3, 8, 8, 5}, kOther, {.time_step = 0}).find("n,y,x,t"), std::string::npos);
  EXPECT_NE(error({3, 2, 4, 6}, kOther, {.time_step = 2}).find("0 to 1"), std::string::npos);
  EXPECT_NE(error({3, 2, 4, 6}, kOther, {.axes = "n,t,y,x"}).find("--time-step"), std::string::npos);
  EXPECT_NE(error({3, 2, 4, 6}, kOther, {.axes = "n,c,y,x"}).find("size 1"), std::string::npos);
  EXPECT_NE(error({4}, kOther).find("expected"), std::string::npos);
}

TEST(ArrayAxes, AreLettersWithCommas) {
  EXPECT_EQ(parse_axes("x,y,n"), "xyn");
  EXPECT_EQ(parse_axes("n,z,y,x"), "nzyx");
  for (const char* text : {"", "xyn", "x,y,", "x,x,y", "n,x", "x,y,w", "x y n", ",x,y"})
    EXPECT_THROW(parse_axes(text), InvalidInput) << text;
}

}  // namespace
}  // namespace mano
