#pragma once
// Maps of fields as PNG pictures. No VTK here; without VTK the functions throw MissingPart.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/field.hpp"

namespace mano {

struct MapPanel {
  enum class Scale { sequential, logarithmic, diverging };  ///< diverging is centred on zero
  std::string title;
  Field field;  ///< cells that are not a number stay blank
  Scale scale = Scale::sequential;
  std::optional<std::pair<double, double>> range;  ///< shared between panels where given
};

/// Panels in rows of two, each with title, axes in units of the domain and a colour bar with its ends. By rename.
void draw_maps(const std::filesystem::path& path, const std::vector<MapPanel>& panels);

}  // namespace mano
