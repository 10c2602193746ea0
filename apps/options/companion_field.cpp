#include "apps/options/companion_field.hpp"

#include <cmath>
#include <filesystem>

#include "core/error.hpp"

namespace mano {

FieldOptions beside(const FieldOptions& rock, const std::string& file, const std::string& keyword) {
  FieldOptions o = rock;
  o.field.clear();
  o.spec = {};
  o.correlation_length.clear();
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

void check_same_place(const FieldSource& companion, const std::optional<Grid>& rock,
                      const std::string& what) {
  const std::optional<Grid> own = companion.place();
  if (!own || !rock) return;
  const auto differ = [](double a, double b, double size) { return std::abs(a - b) > 1e-6 * size; };
  check(!differ(own->z0, rock->z0, rock->lz) && !differ(own->lz, rock->lz, rock->lz),
        "{} {} lies elsewhere: its depth is {:g} to {:g}, the permeability's {:g} to {:g}", what,
        companion.options().permeability, own->z0, own->z0 + own->lz, rock->z0, rock->z0 + rock->lz);
  check(!differ(own->x0, rock->x0, rock->lx) && !differ(own->y0, rock->y0, rock->ly) &&
            !differ(own->lx, rock->lx, rock->lx) && !differ(own->ly, rock->ly, rock->ly),
        "{} {} lies elsewhere: its domain begins at ({:g}, {:g}) and measures {:g}x{:g}, the permeability's "
        "at ({:g}, {:g}), {:g}x{:g}",
        what, companion.options().permeability, own->x0, own->y0, own->lx, own->ly, rock->x0, rock->y0,
        rock->lx, rock->ly);
}

Field read_companion(const FieldSource& source, const Grid& grid, std::uint64_t sample, const char* what) {
  const Grid own = source.volume("");
  check(own.same_cells(grid), "{} {} is on a grid of {}, the permeability on {}", what,
        source.options().permeability, own.resolution(), grid.resolution());
  source.check_location(Location::cell);
  Field field = source.draw(source.samples() > 1 ? sample : 0, own);
  field.grid = grid;
  return field;
}

}  // namespace mano
