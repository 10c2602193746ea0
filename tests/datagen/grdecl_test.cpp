#include "datagen/grdecl.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

class Grdecl : public ::testing::Test {
 protected:
  Field read(const std::string& text, const GrdeclOptions& options = {}) {
    const auto path = folder_.path() / "rock.grdecl";
    std::ofstream(path) << text;
    return read_grdecl(path, options);
  }
  std::string error(const std::string& text, const GrdeclOptions& options = {}) {
    try {
      read(text, options);
    } catch (const InvalidInput& e) {
      return e.what();
    }
    return "";
  }
  TemporaryFolder folder_;
};

const char* const kTwoLayers =
    "-- a comment with PERMX in it\n"
    "SPECGRID\n 3 2 2 1 F /\n"
    "PORO\n 12*0.2 /\n"
    "PERMX -- mD\n 1 2 3\n 4 2*5\n 6*0.3/\n"
    "PERMY\n 12*7 /\n";

TEST_F(Grdecl, ReadsLayersWithRepeatCountsAndComments) {
  const Field top = read(kTwoLayers, {.layer = 1});
  EXPECT_EQ(top.grid.resolution(), "3x2");
  EXPECT_EQ(top.values, (std::vector<double>{1, 2, 3, 4, 5, 5}));
  EXPECT_EQ(read(kTwoLayers, {.layer = 2}).values, std::vector<double>(6, 0.3));
  EXPECT_EQ(read(kTwoLayers, {.keyword = "permy", .layer = 2}).values, std::vector<double>(6, 7.0));
}

TEST_F(Grdecl, SectionsHaveDepthDownAsY) {
  const Field section = read(kTwoLayers, {.section = 2});
  EXPECT_EQ(section.grid.resolution(), "3x2");
  EXPECT_EQ(section.values, (std::vector<double>{4, 5, 5, 0.3, 0.3, 0.3}));
}

TEST_F(Grdecl, TakesTheGridFromTheOptionAndDoesWithoutSlash) {
  const Field f = read("PERMX\n1 2 3 4\nPERMZ\n4*9\n", {.grid = {{4, 1, 1}}});
  EXPECT_EQ(f.values, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(read("DIMENS 2 1 2 /\nPERMX 1 2 3 4 /").values, (std::vector<double>{1, 2, 3, 4}));
}

TEST_F(Grdecl, TakesFortransExponentsTheLastSectionAndNoTextAfterASlash) {
  const std::string head = "SPECGRID 2 1 1 1 F / PERMX in a comment\n";
  EXPECT_EQ(read(head + "PERMX\n 1 1 /\nPERMX\n 1.5D2 2e1 / 7 7\n").values, (std::vector<double>{150, 20}));
  EXPECT_EQ(read(head + "COPY\n PORO PERMZ /\n/\nPERMX\n 1 2 /\n").values, (std::vector<double>{1, 2}));
  EXPECT_NE(error(head + "PERMX\n 1 2 /\nMULTIPLY\n PERMX 2 /\n/\n").find("MULTIPLY"), std::string::npos);
}

TEST_F(Grdecl, ErrorsNameLineAndValue) {
  EXPECT_NE(error("PERMX 1 2 /").find("--grid"), std::string::npos);
  EXPECT_NE(error("PORO 1 /").find("PERMX"), std::string::npos);
  EXPECT_NE(error("SPECGRID 2 1 1 1 F /\nPERMX\n1 /").find("only 1"), std::string::npos);
  EXPECT_NE(error("SPECGRID 2 1 1 1 F /\nPERMX\n1 2 3 /").find("more than 2"), std::string::npos);
  EXPECT_NE(error("SPECGRID 2 1 1 1 F /\nPERMX\n1\n2,5 /").find("line 4: '2,5'"), std::string::npos);
  EXPECT_NE(error("SPECGRID 2 1 1 1 F /\nPERMX\n99999999999*2 /").find("99999999999"), std::string::npos);
  EXPECT_NE(error(kTwoLayers).find("--layer"), std::string::npos);
  EXPECT_NE(error(kTwoLayers, {.layer = 3}).find("1 to 2"), std::string::npos);
  EXPECT_NE(error(kTwoLayers, {.section = 0}).find("1 to 2"), std::string::npos);
  EXPECT_NE(error(kTwoLayers, {.grid = {{1, 1, 1}}, .layer = 1}).find("3x2x2"), std::string::npos);
  EXPECT_NE(error(std::string("PERMX\0\1", 7)).find("neither"), std::string::npos);
}

TEST(GridOption, IsThreeSizes) {
  EXPECT_EQ(parse_grid3("100x1x20"), (std::array{100, 1, 20}));
  for (const char* text : {"", "100", "100x1", "100x1x20x1", "0x1x1", "axbxc"})
    EXPECT_THROW(parse_grid3(text), InvalidInput) << text;
}

// Real rock: SPE10 model 1.
TEST(Spe10, HasTheSizeAndRangeOfItsDescription) {
  const Field k = read_grdecl(MANO_TEST_DATA "/../data/spe10_model1_permx.grdecl",
                              {.grid = {{100, 1, 20}}, .section = 1});
  EXPECT_EQ(k.grid.resolution(), "100x20");
  EXPECT_DOUBLE_EQ(k(0, 0), 69.4490);
  EXPECT_DOUBLE_EQ(k(1, 0), 84.4631);
  EXPECT_NO_THROW(check_permeability(k, "SPE10"));
}

TEST_F(Grdecl, TellsItsUnits) {
  const auto path = folder_.path() / "units.grdecl";
  const auto units = [&](const std::string& text) {
    std::ofstream(path) << text;
    return grdecl_units(path);
  };
  EXPECT_EQ(units(kTwoLayers), std::nullopt);
  EXPECT_EQ(units(std::string("RUNSPEC\nMETRIC\n") + kTwoLayers), "METRIC");
  EXPECT_EQ(units("field -- units\n"), "FIELD");
  EXPECT_EQ(units("LAB\nPERMX\n 1 /"), "LAB");
  EXPECT_EQ(units("-- METRIC\nTITLE\nFIELD\n MAPUNITS\n METRES /\n"), std::nullopt);
  EXPECT_EQ(units("FIELD METRIC TEST\n"), std::nullopt);
  EXPECT_THROW(units("METRIC\nFIELD\n"), InvalidInput);
}

}  // namespace
}  // namespace mano
