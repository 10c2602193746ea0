#pragma once
// What kind of file a result goes to, by the extension of its name.

#include <filesystem>

namespace mano {

enum class OutputKind { vti, hdf5 };
/// Throws InvalidInput for another extension, a folder that cannot be written, .vti without VTK, and a file that is a dataset of several
/// solved samples, which took a generation to make. Results of one sample and predictions are replaced.
OutputKind check_output(const std::filesystem::path& path);

}  // namespace mano
