#pragma once
// Fields beside the permeability, on its grid: a keyword of its file, or a file of their own.

#include <cstdint>
#include <string>

#include "apps/options/field_source.hpp"

namespace mano {

/// Options that read array or keyword `keyword` of `file`, which may be the rock's own: as the rock's are read, but of any sign.
FieldOptions beside(const FieldOptions& rock, const std::string& file, const std::string& keyword);

/// `text` is a file, then `file_keyword` names the array ("" is the reader's default), or a keyword of the permeability's file.
/// Values may be of any sign. Throws InvalidInput naming `option` where it is neither.
FieldSource open_companion(const FieldOptions& rock, const std::string& text, const std::string& option,
                           const std::string& file_keyword = "");

/// Throws InvalidInput naming `what` where the companion's file says that its cells lie elsewhere than the rock's.
void check_same_place(const FieldSource& companion, const std::optional<Grid>& rock, const std::string& what);

/// Of a sample, or the only one that the file holds. Throws InvalidInput naming `what` where it is on another grid.
Field read_companion(const FieldSource& source, const Grid& grid, std::uint64_t sample, const char* what);

}  // namespace mano
