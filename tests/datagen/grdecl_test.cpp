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
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name) << text;
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

TEST_F(Grdecl, ReadsNothingOfADeckBehindItsGrid) {
  const std::string deck =
      "RUNSPEC\nDIMENS 2 1 1 /\nGRID\nPERMX\n 1 2 /\nEDIT\nPROPS\nINCLUDE\n 'absent.inc' /\n";
  EXPECT_EQ(read(deck).values, (std::vector<double>{1, 2}));
  EXPECT_EQ(read(deck + "PERMX\n 3 4 /\n").values, (std::vector<double>{1, 2}));
  EXPECT_NE(error("DIMENS 2 1 1 /\nPERMX\n 1 2 /\nPROPS\nINCLUDE\n 'absent.inc' /\n").find("absent.inc"),
            std::string::npos);
}

TEST_F(Grdecl, RefusesRecordsThatAFilesEndCuts) {
  const std::string whole = "DIMENS 2 1 1 /\nPERMX\n 1 2 /\nMULTIPLY\n PERMX 2 /\n/\n";
  EXPECT_EQ(read(whole).values, (std::vector<double>{2, 4}));
  for (const std::size_t left_out : {2U, 4U, 8U})
    EXPECT_NE(error(whole.substr(0, whole.size() - left_out)).find("MULTIPLY is not ended by a slash"),
              std::string::npos)
        << left_out;
}

TEST_F(Grdecl, TakesFortransExponentsTheLastSectionAndNoTextAfterASlash) {
  const std::string head = "SPECGRID 2 1 1 1 F / PERMX in a comment\n";
  EXPECT_EQ(read(head + "PERMX\n 1 1 /\nPERMX\n 1.5D2 2e1 / 7 7\n").values, (std::vector<double>{150, 20}));
  EXPECT_EQ(read(head + "COPY\n PORO PERMZ /\n/\nPERMX\n 1 2 /\n").values, (std::vector<double>{1, 2}));
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

const std::string kRow = "SPECGRID 2 1 1 1 F /\n";  // two cells

TEST_F(Grdecl, FollowsIncludesFromFolderToFolder) {
  write("sub/deep/perm.inc", "-- the values\nPERMX\n 3 4 /\n");
  write("sub/props.inc", "INCLUDE\n  'deep/perm.inc' /\nPORO\n2*0.2 /\n");
  for (const char* how : {"'sub/props.inc' /", "\"sub/props.inc\" /", "sub/props.inc /", "sub/props.inc/",
                          "'sub\\props.inc'\n/", "\n -- where\n\n sub/props.inc"}) {
    EXPECT_EQ(read(kRow + "INCLUDE\n" + how + "\n").values, (std::vector<double>{3, 4})) << how;
    EXPECT_EQ(read(kRow + "INCLUDE " + how + "\nPERMX\n 5 6 /\n").values, (std::vector<double>{5, 6})) << how;
  }
  const auto path = folder_.path() / "rock.grdecl";
  EXPECT_TRUE(grdecl_has(path, "poro"));
  EXPECT_EQ(grdecl_included(path, false).size(), 2u);
}

TEST_F(Grdecl, ErrorsNameTheIncludedFileAndLine) {
  write("sub/perm.inc", "PERMX\n 3\n 4,x /\n");
  const std::string what = error(kRow + "INCLUDE\n'sub/perm.inc' /\n");
  EXPECT_NE(what.find("sub/perm.inc, line 3: '4,x'"), std::string::npos) << what;
  EXPECT_NE(error("INCLUDE\n'absent.inc' /").find("line 2: INCLUDE of 'absent.inc'"), std::string::npos);
  EXPECT_NE(error("INCLUDE\n'$ROOT/a.inc' /").find("alias"), std::string::npos);
  EXPECT_NE(error("INCLUDE\n").find("without the name"), std::string::npos);
  EXPECT_NE(error("INCLUDE\n 'sub' /").find("no file"), std::string::npos);
  write("sub/binary.inc", std::string("PERMX\0\1", 7));
  EXPECT_NE(error("INCLUDE\n 'sub/binary.inc' /").find("binary.inc is neither"), std::string::npos);
}

TEST_F(Grdecl, RefusesIncludesInACircleOrTooDeep) {
  write("a.inc", "INCLUDE\n'b.inc' /\n");
  write("b.inc", "INCLUDE\n'a.inc' /\n");
  const std::string circle = error("INCLUDE\n'a.inc' /\n");
  EXPECT_NE(circle.find("b.inc, line 2: INCLUDE goes in a circle: a.inc includes b.inc includes a.inc"),
            std::string::npos)
      << circle;
  EXPECT_NE(error("INCLUDE\n'rock.grdecl' /\n").find("circle: rock.grdecl includes rock.grdecl"),
            std::string::npos);
  for (int d = 1; d <= 17; ++d)
    write(fmt::format("deep{}.inc", d), fmt::format("INCLUDE\n'deep{}.inc' /\n", d + 1));
  write("deep17.inc", kRow + "PERMX\n 1 2 /\n");
  EXPECT_EQ(read("INCLUDE\n'deep2.inc' /\n").values, (std::vector<double>{1, 2}));  // 16 of them
  EXPECT_NE(error("INCLUDE\n'deep1.inc' /\n").find("16 files deep"), std::string::npos);
  write("twice.inc", "INCLUDE\n'leaf.inc' /\nINCLUDE\n'leaf.inc' /\n");
  write("leaf.inc", kRow + "PERMX\n 1 2 /\n");
  EXPECT_EQ(read("INCLUDE\n'twice.inc' /\n").values, (std::vector<double>{1, 2}));  // no circle
}

TEST_F(Grdecl, LeavesItsFolderOnlyWhereAsked) {
  write("outside.inc", "PERMX\n 1 2 /\n");
  write("case/inside.inc", "PERMX\n 3 4 /\n");
  const auto path = folder_.path() / "case" / "rock.grdecl";
  std::filesystem::create_symlink("../outside.inc", folder_.path() / "case" / "link.inc");
  const auto absolute = (folder_.path() / "case" / "inside.inc").string();
  for (const std::string& name : {std::string("../outside.inc"), std::string("link.inc"), absolute}) {
    std::ofstream(path) << kRow << "INCLUDE\n'" << name << "' /\n";
    try {
      read_grdecl(path, {});
      ADD_FAILURE() << name;
    } catch (const InvalidInput& e) {
      EXPECT_NE(std::string(e.what()).find("--include-anywhere"), std::string::npos) << e.what();
    }
    EXPECT_NO_THROW(read_grdecl(path, {.include_anywhere = true})) << name;
  }
  std::ofstream(path) << kRow << "INCLUDE\n'../case/inside.inc' /\n";  // comes back
  EXPECT_EQ(read_grdecl(path, {}).values, (std::vector<double>{3, 4}));
}

TEST_F(Grdecl, SaysThatAFileNameStandsForNumbers) {
  for (const char* name : {"PERMX.dat /", "'PERMX.dat' /", "../PERMX.dat /"}) {
    const std::string what = error(kRow + "PERMX\n" + name + "\n");
    EXPECT_NE(what.find("line 3: '"), std::string::npos) << what;
    EXPECT_NE(what.find("INCLUDE '"), std::string::npos) << what;
  }
}

TEST_F(Grdecl, AppliesBoxes) {
  const std::string grid = "DIMENS\n 3 2 2 /\nPERMX\n 12*1 /\n";
  const std::string box = "BOX\n 2 3 1 2 1 1 /\nPERMX\n 10 20 30 40 /\n";
  EXPECT_EQ(read(grid + box, {.layer = 1}).values, (std::vector<double>{1, 10, 20, 1, 30, 40}));
  EXPECT_EQ(read(grid + box, {.layer = 2}).values, std::vector<double>(6, 1.0));
  EXPECT_EQ(read(grid + box + "ENDBOX\nPERMX\n12*7 /\n", {.layer = 1}).values, std::vector<double>(6, 7.0));
  const std::string missing = error("DIMENS\n 3 2 2 /\n" + box + "ENDBOX\n", {.layer = 1});
  EXPECT_NE(missing.find("cell (1, 1, 1)"), std::string::npos) << missing;
  EXPECT_NE(error(grid + "BOX\n 2 4 1 1 1 1 /\nPERMX\n 3*1 /", {.layer = 1}).find("2 to 4 in I"),
            std::string::npos);
  EXPECT_NE(error(grid + "BOX\n 2 3 1 /\nPERMX\n 3*1 /", {.layer = 1}).find("here are 3"), std::string::npos);
  EXPECT_NE(error(grid + "BOX\n 2 3 1 1 1 1 /\nPERMX\n 5 /", {.layer = 1}).find("a BOX of 2x1x1 needs 2"),
            std::string::npos);
  EXPECT_EQ(read(grid + "BOX\n 1* 1 1* * 2 2 /\nPERMX\n 10 20 /\n", {.layer = 2}).values,
            (std::vector<double>{10, 1, 1, 20, 1, 1}));
  EXPECT_EQ(read(grid + "BOX\n 2 2 2* 2 2 /\nPERMX\n 10 20 /\n", {.layer = 2}).values,
            (std::vector<double>{1, 10, 1, 1, 20, 1}));
  EXPECT_EQ(read(grid + "BOX\n 6* /\nPERMX\n 12*3 /\n", {.layer = 2}).values, std::vector<double>(6, 3.0));
  // Two halves, and cells that are active unless told otherwise.
  EXPECT_EQ(read(kRow + "BOX\n1 1 1 1 1 1/\nPERMX\n5/\nBOX\n2 2 1 1 1 1/\nPERMX\n6/\n").values,
            (std::vector<double>{5, 6}));
  EXPECT_EQ(read(kRow + "BOX\n1 1 1 1 1 1/\nACTNUM\n0/\n", {.keyword = "ACTNUM"}).values,
            (std::vector<double>{0, 1}));
}

// As the decks of Norne have it: one permeability copied to the others, and changed by layers.
TEST_F(Grdecl, CarriesOutOperations) {
  const std::string deck =
      "DIMENS\n 2 1 3 /\nPERMX\n 1 2 3 4 5 6 /\nCOPY\n   PERMX PERMY /\n   PERMX PERMZ /  remark\n/\n"
      "MULTIPLY\n 'PERMZ' 0.5 1 2 1 1 2 2 /   Garn 2\n 'PERMZ' 0.1 4* 3 3 /\n/\nPERMX\n 6*9 /\n";
  const auto values = [&](const std::string& text, const std::string& keyword) {
    return read(text, {.keyword = keyword, .section = 1}).values;
  };
  EXPECT_EQ(values(deck, "PERMX"), std::vector<double>(6, 9.0));
  EXPECT_EQ(values(deck, "PERMY"), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  const std::vector<double> z{1, 2, 1.5, 2, 0.5, 0.6};
  const auto computed = values(deck, "permz");
  for (std::size_t c = 0; c < z.size(); ++c) EXPECT_DOUBLE_EQ(computed[c], z[c]) << c;
  EXPECT_TRUE(grdecl_has(folder_.path() / "rock.grdecl", "PERMZ"));
  EXPECT_FALSE(grdecl_has(folder_.path() / "rock.grdecl", "PORO"));
  // A box that is not given is that of the record before, and of the first record that of BOX.
  const std::string boxed =
      "BOX\n 1 1 1 1 1 3 /\nMULTIPLY\n PERMY 10 /\n PERMY 2 1* 1* 1 1 1 2 /\n PERMY 2 /\n/\nENDBOX\n";
  EXPECT_EQ(values(deck + boxed, "PERMY"), (std::vector<double>{40, 2, 120, 4, 50, 6}));
  EXPECT_EQ(
      values(deck + "ADD\n PERMY 1.5D0 /\n/\nMINVALUE\n PERMY 4 /\n/\nMAXVALUE\n PERMY 6 /\n/\n", "PERMY"),
      (std::vector<double>{4, 4, 4.5, 5.5, 6, 6}));
  EXPECT_EQ(values(deck + "EQUALS\n ACTNUM 0 1 2 1 1 2 2 /\n/\n", "ACTNUM"),
            (std::vector<double>{1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(values(deck + "EQUALS\n PORO 0.2 /\n PORO 0.3 2* 2* 3 3 /\n/\n", "PORO"),
            (std::vector<double>{0.2, 0.2, 0.2, 0.2, 0.3, 0.3}));
  EXPECT_EQ(values(deck + "COPY\n PERMX PERMY 1 1 1 1 1 1 /\n/\n", "PERMY"),
            (std::vector<double>{9, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values("COPY\n PERMX PERMY /\n/\n" + deck, "PERMX"), std::vector<double>(6, 9.0));
}

TEST_F(Grdecl, RefusesOperationsThatItDoesNotCarryOut) {
  const std::string values = kRow + "PERMX\n 1 2 /\n";
  const auto refused = [&](const std::string& text, const std::string& words, const char* keyword = "PERMX") {
    const std::string what = error(values + text, {.keyword = keyword});
    EXPECT_NE(what.find(words), std::string::npos) << text << ": " << what;
  };
  refused("multireg\n permx 5 1 /\n/\n", "line 5: MULTIREG changes PERMX");
  refused("OPERATE\n PERMX 6* MULTX PORO 2 /\n/\n", "OPERATE changes PERMX");
  refused("COPYBOX\n PERMX 1 1 1 1 1 1 2 2 1 1 1 1 /\n/\n", "COPYBOX changes PERMX");
  refused("EQUALREG\n PERMZ 5 1 /\n/\nCOPY\n PERMZ PERMX /\n/\n", "EQUALREG changes PERMZ");
  refused("CARFIN\n'L' 1 1 1 1 1 1 2 1 1 /\nEQUALS\n PERMX 5 /\n/\nENDFIN\n", "EQUALS in a local grid");
  refused("MULTIPLY PERMX 2 /\n/\n", "not read: put PERMX on the next one");
  refused("MULTIPLY\n PERMX 2,5 /\n/\n", "line 5: MULTIPLY: '2,5'");
  refused("MULTIPLY\n PERMX /\n/\n", "PERMX is cut off");
  refused("EQUALS\n PERMX 2 1 3 /\n/\n", "1 to 3 in I, the grid has 1 to 2");
  refused("EQUALS\n PERMX 2 1 2 1 1 1 1 7 /\n/\n", "here are 7");
  refused("MULTIPLY\n PERMZ 2 /\n/\nPERMZ\n 1 2 /\n", "PERMZ has no value yet in cell (1, 1, 1)", "PERMZ");
  refused("COPY\n PORO PERMZ /\n/\n", "PORO has no value yet", "PERMZ");
  refused("EQUALS\n PERMZ 2 1 1 /\n/\n", "nothing gives PERMZ a value in cell (2, 1, 1)", "PERMZ");
  EXPECT_EQ(read(values + "COPY   FIELD   09:58  2 JAN 90\n 'permx   ' 'permy   ' , , /\n/\nMULTIREG\n PERMZ "
                          "0.1 1 /\n/\n",
                 {.keyword = "PERMY"})
                .values,
            (std::vector<double>{1, 2}));
}

TEST_F(Grdecl, ReadsWhatProgramsWrite) {
  const std::vector<double> expected{3, 4};
  for (const std::string& text : std::initializer_list<std::string>{
           "\xEF\xBB\xBFPERMX\n 3 4 /\n" + kRow,     // the mark of UTF-8
           kRow + "PERMX--mD\r\n\t3\t4/\r\n",        // Windows' line ends, tabs, glued comment and slash
           "SPECGRID\r2 1 1 1 F /\rPERMX\r3 4 /\r",  // old Macintosh's
           kRow + "NOECHO\npermx\n 1*3.0 1*+4.0E0/\nECHO\n",  // lower case, repeat counts
           kRow + "TITLE\nPERMX of X/Y\nPERMX\n 3 4 /\n",     // text that begins with a keyword
           kRow + "PERMX\n 3 4 /\nRPTGRID\nPERMX PORO /\n",   // a list that begins with it
           kRow + "SKIP\nPERMX\n 8 8 /\nENDSKIP\nPERMX\n 3 4 /\nSKIP\nPERMX\n 9 9 /\nENDSKIP\n",
           kRow + "PERMX\n 3 4 /\nEND\nPERMX\n 9 9 /\n",
           kRow + "PERMX   FIELD   09:58  2 JAN 90\n 3 4 /\n",      // text behind the keyword
           kRow + "PERMX\n 3 4 /\nMESSAGE\nPERMX being defined\n",  // a text
           kRow + "PERMX -- K\xC3\xB8rn\xE9\n-- 9 9 /\n 3 -- 9\n 4\n/\n/\n",
           kRow + "PERMX\n 3. 4.D+0 /\nPINCH\n 0.1 GAP 1* TOPBOT TOP /\nMULTNUM\n 2*1 /\n",
       })
    EXPECT_EQ(read(text).values, expected) << text;
}

TEST_F(Grdecl, RefusesWhatWouldBeGuessed) {
  const std::string values = "PERMX\n 1 2 /\n";
  EXPECT_NE(error(kRow + "PERMX\n 2* /\n").find("'2*' repeats no value"), std::string::npos);
  EXPECT_NE(error(kRow + "PERMX\n 1 2 /\n 3 4 /\n").find("line 4: '3' follows the slash"), std::string::npos);
  EXPECT_NE(error("SPECGRID 2 1 1 1 T /\n" + values).find("cylindrical"), std::string::npos);
  EXPECT_NE(error(kRow + "DIMENS\n 1 2 1 /\n" + values).find("DIMENS 1x2x1"), std::string::npos);
  EXPECT_NE(
      error(kRow + values + "CARFIN\n'L' 1 1 1 1 1 1 2 1 1 /\n" + values + "ENDFIN\n").find("local grid"),
      std::string::npos);
  EXPECT_NE(error(kRow + "SKIP300\n" + values).find("SKIP300"), std::string::npos);
  EXPECT_NE(error("\xFF\xFEP").find("UTF-16"), std::string::npos);
  EXPECT_NE(error(kRow + "COLUMNS\n 4 10 /\n" + values).find("COLUMNS"), std::string::npos);
  EXPECT_NE(error(kRow + "SKIP\nSKIP\nENDSKIP\nENDSKIP\n" + values).find("SKIP within SKIP"),
            std::string::npos);
  EXPECT_NE(error(kRow + "PERMX PERMX.dat /\n").find("INCLUDE 'PERMX.dat'"), std::string::npos);
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

// The product of the sizes is to fit into 64 bits.
TEST_F(Grdecl, RefusesGridsOfMoreThanAMillionCellsInADirection) {
  EXPECT_EQ(parse_grid3("999999x1x20"), (std::array<int, 3>{999999, 1, 20}));
  EXPECT_THROW(parse_grid3("2097152x2097152x4194304"), InvalidInput);
}

}  // namespace
}  // namespace mano
