#include "apps/options/companion_field.hpp"

#include <filesystem>

#include "core/error.hpp"

namespace mano {

FieldOptions beside(const FieldOptions& rock, const std::string& file, const std::string& keyword) {
  FieldOptions o = rock;
  o.field.clear();
  o.permeability = file;
  o.keyword = keyword;
  o.any_sign = true;
  if (file != rock.permeability) o.arrays = {};
  return o;
}

FieldSource open_companion(const FieldOptions& rock, const std::string& text, const std::string& option,
                           const std::string& file_keyword) {
  if (std::filesystem::exists(text)) return FieldSource(beside(rock, text, file_keyword));
  check(!rock.permeability.empty(),
        "--{} is '{}': no such file, and without --permeability it is no keyword of one", option, text);
  return FieldSource(beside(rock, rock.permeability, text));
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
