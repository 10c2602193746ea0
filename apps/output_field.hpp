#pragma once
// A permeability with its pressure, written as .vti or as a dataset of one sample, by the name's extension.

#include <filesystem>
#include <string>

#include "core/field.hpp"
#include "datagen/dataset.hpp"

namespace mano {

enum class OutputKind { vti, hdf5 };
/// Throws InvalidInput for another extension, a folder that cannot be written, or .vti without VTK.
OutputKind check_output(const std::filesystem::path& path);

}  // namespace mano
