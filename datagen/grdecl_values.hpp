#pragma once
// The numbers that follow a keyword of Eclipse text. Private to datagen/.

#include <vector>

#include "datagen/grdecl_file.hpp"

namespace mano {

/// The values of a section, repeat counts carried out; `most` at most, and some more where there are too many. Throws InvalidInput, naming
/// file, line and word, for what is no number, and for words behind the slash.
std::vector<double> grdecl_values(const GrdeclFile& file, const GrdeclSection& section, std::size_t most);

/// A word as a number. Throws InvalidInput naming `place`.
int grdecl_int(const GrdeclWords::Word& word, const std::string& place);
double grdecl_number(const GrdeclWords::Word& word, const std::string& place);

}  // namespace mano
