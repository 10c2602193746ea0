#pragma once
// What the options of a random field mean.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/options/field_options.hpp"
#include "core/field.hpp"

namespace mano {

/// "blobs:0.2" -> 0.2. Throws InvalidInput.
double parse_blobs(const std::string& text);

/// How many lengths "LXxLYxLZ" gives.
std::ptrdiff_t lengths_in(const std::string& text);

/// Fills the spec from the options that are texts. Throws InvalidInput.
void settle_spec(FieldOptions& options);

/// Throws InvalidInput where an option that shapes random fields of another kind was given, or any of them with a file.
void check_shapes_field(const FieldOptions& options);

/// Throws InvalidInput where the spec is of another dimension than the grid, or the grid too coarse for it.
void check_spec_fits(const FieldOptions& options, const Grid& grid);

/// A note on standard error of rank 0 where the correlation length of a random field is a small part of a cell: lengths are absolute, so that
/// the default is one for a domain of about unit size.
void note_rough_field(const FieldOptions& options, const Grid& grid);

/// All that a field depends on but sample and grid.
nlohmann::json configuration_of_random_field(const FieldOptions& options);

}  // namespace mano
