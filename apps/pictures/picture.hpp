#pragma once
// Maps of fields as PNG pictures. No VTK here; without VTK the functions throw MissingPart.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/field.hpp"

namespace mano {

inline constexpr int kPanelPixels = 300;  ///< width of a panel

struct MapPanel {
  enum class Scale { sequential, logarithmic, diverging };  ///< diverging is centred on zero
  std::string title;
  Field field;  ///< flat; cells that are not a number stay blank
  Scale scale = Scale::sequential;
  std::optional<std::pair<double, double>> range;  ///< shared between panels where given

  // What differs for slices and views of a volume (apps/pictures/volume_panels.hpp).
  struct Label {
    std::string text;
    double x = 0.0;  ///< part of the panel's width
    double y = 0.0;  ///< part of its height
  };
  std::string x_axis = "x";
  std::string y_axis = "y";
  bool downward =
      false;         ///< the y axis is a depth: its least value is at the top, where the field's last row is
  Field shade = {};  ///< what colours are multiplied by, 0 to 1; blank cells are grey where it is below 1
  std::vector<Label> labels = {};  ///< in place of axes, where there are any
};

/// Panels in rows of two, each with title, axes in units of the domain and a colour bar with its ends. By rename.
void draw_maps(const std::filesystem::path& path, const std::vector<MapPanel>& panels);

}  // namespace mano
