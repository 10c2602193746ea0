#include "apps/options/output_field.hpp"

#include "apps/pictures/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

OutputKind check_output(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  check(extension == ".vti" || extension == ".h5" || extension == ".hdf5",
        "output is '{}', expected a name in .vti or .h5", path.string());
  if (extension == ".vti") check_vtk();
  check_writable(path);
  return extension == ".vti" ? OutputKind::vti : OutputKind::hdf5;
}

}  // namespace mano
