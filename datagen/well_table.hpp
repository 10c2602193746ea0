#pragma once
// Wells as rows of numbers: what /wells of a dataset holds of a sample, and what Python hands over.

#include <string>
#include <vector>

#include "core/placed_well.hpp"

namespace mano {

/// Of `most` rows of PlacedWell::Numbers; the first that holds no number at all ends them. Throws InvalidInput, naming `where`, for a well
/// that has no place, or not one of rate and pressure.
std::vector<PlacedWell> wells_of_table(const double* rows, std::size_t most, const std::string& where);

}  // namespace mano
