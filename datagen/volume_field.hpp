#pragma once
// Random permeabilities of volumes, as datagen/random_field.hpp describes them. Private to datagen/.

#include "datagen/random_field.hpp"

namespace mano {

/// Permeability of sample `sample` of a specification that has been checked.
Field draw_volume(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid);

/// Bytes that drawing it takes.
double volume_field_memory(const FieldSpec& spec, const Grid& grid);

}  // namespace mano
