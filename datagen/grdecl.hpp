#pragma once
// Eclipse GRDECL text: one keyword's values on an nx x ny x nz grid, i fastest, then j, then k (downwards).
//
//   -- comment            to the end of the line
//   SPECGRID 100 1 20 1 F /   or DIMENS: the grid
//   PERMX  25*0.3 7.2 ... /   values, with repeat counts; the slash may be missing at the end of a keyword

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
};

/// The values of a layer or section as a field on the unit square. Where y or z has a single cell, the section or
/// layer may be left out. Throws InvalidInput, naming file and line, for a missing keyword, a token that is no number,
/// or a number of values that the grid does not have.
Field read_grdecl(const std::filesystem::path& path, const GrdeclOptions& options);

/// A line of the file begins with the keyword. Throws InvalidInput where the file cannot be read.
bool grdecl_has(const std::filesystem::path& path, const std::string& keyword);

/// "METRIC", "FIELD" or "LAB", where one of these keywords stands alone on a line; empty where none does. Throws InvalidInput where several do.
std::optional<std::string> grdecl_units(const std::filesystem::path& path);

/// "100x1x20" -> {100, 1, 20}. Throws InvalidInput.
std::array<int, 3> parse_grid3(const std::string& text);

}  // namespace mano
