#pragma once
// Eclipse GRDECL text: one keyword's values on an nx x ny x nz grid, i fastest, then j, then k (downwards).
//
//   -- comment            to the end of the line
//   SPECGRID 100 1 20 1 F /   or DIMENS: the grid
//   PERMX  25*0.3 7.2 ... /   values, with repeat counts; the slash may be missing at the end of a keyword
//   INCLUDE 'rock.inc' /      keywords of another file
//   BOX 1 5 1 1 3 4 /         the values that follow are of this part of the grid, up to ENDBOX
//
//   COPY                      records of operations, each ended by a slash, one more slash after the last:
//    PERMX PERMZ /            PERMZ becomes PERMX; also of a box, I1 I2 J1 J2 K1 K2
//   /
//   MULTIPLY                  EQUALS, ADD, MINVALUE and MAXVALUE likewise; where a box, or a part of it, is missing or "1*", it is that of
//    PERMZ 0.1 1 9 1 9 2 2 /  the record before, of the first record that of BOX
//   /
//
// All of it in the order of the file, so that the last values that a cell is given hold. Sections that compute by regions or formulae
// (EQUALREG, MULTIREG, OPERATE, COPYBOX, ...), local grids (CARFIN) and cylindrical ones are not carried out: where they concern the keyword, the
// file is refused.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/field.hpp"

namespace mano {

struct GrdeclOptions {
  std::string keyword = "PERMX";
  std::optional<std::array<int, 3>>
      grid;                  ///< nx, ny, nz; needed where the file has neither SPECGRID nor DIMENS
  std::optional<int> layer;  ///< 1-based K: the horizontal nx x ny layer
  std::optional<int>
      section;  ///< 1-based J: the vertical nx x nz section, depth down as y (row 0 is the top)
  bool include_anywhere = false;  ///< follow INCLUDE out of the file's folder, too
  bool whole =
      false;  ///< without layer and section, all layers as a volume [nz, ny, nx], k downwards, on the unit cube
};

/// The values of a layer or section as a field on the unit square, or of all layers. Where y or z has a single cell, the section or
/// layer may be left out. ACTNUM is 1 in cells that are given no value. Throws InvalidInput, naming file and line, for a missing keyword, a
/// token that is no number, a number of values that the grid or the BOX does not have, a cell without a value, or one that had none
/// when an operation was to change it.
Field read_grdecl(const std::filesystem::path& path, const GrdeclOptions& options);

/// The file, or one that it includes, gives the keyword, by values, EQUALS or COPY. Throws InvalidInput where it cannot be read, or changes
/// the keyword by what is not carried out.
bool grdecl_has(const std::filesystem::path& path, const std::string& keyword, bool include_anywhere = false);

/// Those of `keywords` that stand in the file or one that it includes, or whose values an operation changes, in the order given.
std::vector<std::string> grdecl_mentions(const std::filesystem::path& path,
                                         const std::vector<std::string>& keywords, bool include_anywhere);

/// METRIC, FIELD, LAB or PVT-M, where the file says so. Throws InvalidInput where it cannot be read, or names two of them.
std::optional<std::string> grdecl_units(const std::filesystem::path& path, bool include_anywhere = false);

/// The files that it includes, directly or not, in their order. Throws InvalidInput where one cannot be read.
std::vector<std::filesystem::path> grdecl_included(const std::filesystem::path& path, bool include_anywhere);

/// "100x1x20" -> {100, 1, 20}. Throws InvalidInput.
std::array<int, 3> parse_grid3(const std::string& text);

}  // namespace mano
