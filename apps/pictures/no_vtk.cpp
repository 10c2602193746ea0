// Stands in for vtk_image.cpp and picture.cpp where VTK is absent, so that callers need no #if.
#include "apps/pictures/picture.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "core/error.hpp"

namespace mano {

namespace {

[[noreturn]] void missing() {
  throw MissingPart(
      "this mano was built without VTK: it reads and writes no .vti and draws no pictures; write .h5, or "
      "build it where "
      "libvtk9-dev is installed");
}

}  // namespace

void check_vtk() {
  missing();
}
void write_vti(const std::filesystem::path&, const VtkImage&) {
  missing();
}
ImageField read_vti(const std::filesystem::path&, const std::string&) {
  missing();
}
std::vector<std::string> describe_vti(const std::filesystem::path&) {
  missing();
}
void draw_maps(const std::filesystem::path&, const std::vector<MapPanel>&) {
  missing();
}

}  // namespace mano
