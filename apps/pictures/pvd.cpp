#include "apps/pictures/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

void write_pvd(const std::filesystem::path& path, const std::vector<PvdEntry>& entries) {
  std::string text =
      "<?xml version=\"1.0\"?>\n<VTKFile type=\"Collection\" version=\"0.1\" byte_order=\"LittleEndian\">\n"
      "  <Collection>\n";
  for (const PvdEntry& entry : entries) {
    text += fmt::format("    <DataSet timestep=\"{}\" group=\"\" part=\"{}\" file=\"{}\"/>\n", entry.time,
                        entry.part, entry.file);
  }
  write_text_atomically(path, text + "  </Collection>\n</VTKFile>\n");
}

}  // namespace mano
