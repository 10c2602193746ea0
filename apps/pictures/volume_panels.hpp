#pragma once
// A field of a volume as flat panels: slices across its axes, and a view of its largest cells. Neither VTK nor a display is needed.

#include <array>
#include <string>

#include "apps/pictures/picture.hpp"
#include "core/cell_mask.hpp"

namespace mano {

/// Of a volume; cells that are not active stay blank.
struct VolumePicture {
  std::string name;  ///< with its unit
  Field field;
  MapPanel::Scale scale = MapPanel::Scale::sequential;
  std::string length_unit = "";  ///< of the axes
};

/// The layer, the row and the column through a cell: x over y, x over depth and y over depth, with the colours of the whole field.
struct SliceAt {
  int i = 0;
  int j = 0;
  int k = 0;
};
std::array<MapPanel, 3> slices(const VolumePicture& picture, const SliceAt& at);

/// The cells of at least `threshold`, seen from above the corner (lx, 0, top) in parallel projection, each face darker the less it
/// looks up. A volume thinner than a third of its breadth is drawn as thick as that.
MapPanel view_of_cells(const VolumePicture& picture, double threshold);

/// What a share of the numbers in `field` lies below.
double quantile(const Field& field, double share);

}  // namespace mano
