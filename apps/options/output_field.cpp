#include "apps/options/output_field.hpp"

#include "apps/pictures/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/dataset.hpp"

namespace mano {

namespace {

void refuse_to_replace_dataset(const std::filesystem::path& path) {
  std::size_t samples = 0;
  try {
    const DatasetReader reader(path, DatasetKind::any);
    if (!reader.predicted_by()) samples = reader.info().samples;
  } catch (const InvalidInput&) {  // not there, or no dataset of ours
  }
  check(samples <= 1,
        "{} is a dataset of {} samples, which the result would replace: remove it, or choose another name",
        path.string(), samples);
}

}  // namespace

OutputKind check_output(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  check(extension == ".vti" || extension == ".h5" || extension == ".hdf5",
        "output is '{}', expected a name in .vti or .h5", path.string());
  if (extension == ".vti") check_vtk();
  if (extension != ".vti") refuse_to_replace_dataset(path);
  check_writable(path);
  return extension == ".vti" ? OutputKind::vti : OutputKind::hdf5;
}

}  // namespace mano
