#pragma once
// Keywords of a deck, computed as it says: values, boxes, and operations in their order. Private to datagen/.

#include <string>
#include <string_view>
#include <vector>

#include "datagen/grdecl_cells.hpp"
#include "datagen/grdecl_file.hpp"

namespace mano {

/// Of EQUALS, COPY and the like: the words between two slashes. A record begins on a line of its own below the keyword's.
struct GrdeclRecord {
  std::vector<GrdeclWords::Word> words;
  int line = 0;
  std::string_view target;  ///< the keyword that it changes
};
std::vector<GrdeclRecord> grdecl_records(const GrdeclSection& section);

/// The sections that give the keyword values of its own; operations are not among them. Throws InvalidInput for those of local grids.
std::vector<const GrdeclSection*> sections_of(const GrdeclFile& file, std::string_view keyword);

/// Values, EQUALS or COPY give the keyword. Throws InvalidInput where it is changed by what is not carried out.
bool gives(const GrdeclFile& file, const std::string& keyword);

/// The keyword's value in each cell, i fastest, after all that changes it. Throws InvalidInput, naming file and line.
std::vector<double> grdecl_array(const GrdeclFile& file, const std::string& keyword, const GridSize& grid);

}  // namespace mano
