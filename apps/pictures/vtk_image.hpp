#pragma once
// VTK image data (.vti) and collections of it (.pvd). No VTK here; without VTK the functions throw MissingPart, but
// for write_pvd, which is plain XML.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/field.hpp"

namespace mano {

/// Cell data of one image. Values at nodes become cells centred at the nodes.
struct VtkImage {
  Grid grid;
  Location location = Location::cell;
  CellMask active = {};  ///< the others are hidden (vtkGhostType), and hold no number
  struct Components {
    Field x, y;
    Field z = {};  ///< of a volume; 0 in a flat grid
  };
  std::vector<std::pair<std::string, Field>> scalars;  ///< name, values
  std::vector<std::pair<std::string, Components>> vectors;
};

/// Throws MissingPart without VTK: call it before long work whose result goes to a .vti.
void check_vtk();

/// By temporary file and rename. z of a volume is its depth: the file's layers are the grid's, the first at the top of the rock, and the
/// z component of a vector is positive downward.
void write_vti(const std::filesystem::path& path, const VtkImage& image);

/// One array of an image, and what the file says besides.
struct ImageField {
  Field values;      ///< its grid lies where the image does; points become the centres of cells
  std::string name;  ///< of the array, with its unit where it has one
  CellMask active;   ///< those that the image does not hide (vtkGhostType: HIDDENCELL, HIDDENPOINT)
  std::vector<std::string> names;  ///< of all arrays
};

/// A cell (or point) array of an image, which is a volume where it has several layers of cells; `array` is its name, with or without the unit of "permeability [mD]". An image that
/// is mirrored, or turned by 90 degrees about z, is turned back. Throws InvalidInput.
ImageField read_vti(const std::filesystem::path& path, const std::string& array);

/// Names, components and ranges of the arrays, for `mano info`.
std::vector<std::string> describe_vti(const std::filesystem::path& path);

struct PvdEntry {
  std::string file;  ///< relative to the .pvd
  double time = 0.0;
  int part = 0;
};
void write_pvd(const std::filesystem::path& path, const std::vector<PvdEntry>& entries);

}  // namespace mano
