#include "apps/options/companion_field.hpp"

#include <filesystem>

#include "core/error.hpp"

namespace mano {

FieldSource open_companion(const FieldOptions& rock, const std::string& text, const std::string& option,
                           const std::string& file_keyword) {
  FieldOptions file = rock;
  file.field.clear();
  file.any_sign = true;
  if (std::filesystem::exists(text)) {
    file.permeability = text;
    if (text != rock.permeability) file.arrays = {};
    file.keyword = file_keyword;
  } else {
    check(!rock.permeability.empty(),
          "--{} is '{}': no such file, and without --permeability it is no keyword of one", option, text);
    file.keyword = text;
  }
  return FieldSource(std::move(file));
}

Field read_companion(const FieldSource& source, const Grid& grid, std::uint64_t sample, const char* what) {
  const Grid own = source.grid("");
  check(own.nx == grid.nx && own.ny == grid.ny, "{} {} is on a grid of {}, the permeability on {}", what,
        source.options().permeability, own.resolution(), grid.resolution());
  source.check_location(Location::cell);
  Field field = source.draw(source.samples() > 1 ? sample : 0, own);
  field.grid = grid;
  return field;
}

}  // namespace mano
