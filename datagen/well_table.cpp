#include "datagen/well_table.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace mano {

std::vector<PlacedWell> wells_of_table(const double* rows, std::size_t most, const std::string& where) {
  std::vector<PlacedWell> list;
  for (std::size_t w = 0; w < most; ++w) {
    PlacedWell::Numbers row;
    std::copy_n(rows + w * row.size(), row.size(), row.begin());
    if (std::ranges::all_of(row, [](double x) { return std::isnan(x); })) break;
    const PlacedWell well = PlacedWell::of(row);
    const double drive = well.has_rate() ? well.rate : well.pressure;
    check(std::isfinite(well.x) && std::isfinite(well.y) && std::isfinite(drive) &&
              std::isfinite(well.radius) && well.has_rate() == std::isnan(well.pressure) && well.radius >= 0,
          "{}: well {} is at ({}, {}), rate {}, pressure {}, radius {}; it needs a place and either a rate "
          "or a bhp",
          where, w + 1, well.x, well.y, well.rate, well.pressure, well.radius);
    list.push_back(well);
  }
  return list;
}

}  // namespace mano
