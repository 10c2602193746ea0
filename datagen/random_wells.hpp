#pragma once
// Random wells, each sample its own: the same in the domain at every resolution, but for cells that are inactive on one grid alone.

#include <cstdint>
#include <string>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/placed_well.hpp"

namespace mano {

/// How many wells of each kind, and what drives them. The injectors' rates add up to `rate`, at random shares between 1/3 and 3 of each
/// other. So do the producers', which take it out again, unless a pressure is given: then all have that.
struct RandomWells {
  struct Count {
    int least = 1;
    int most = 1;  ///< each number between them is as likely
  };
  Count injectors, producers;
  double rate = 1.0;
  double pressure = PlacedWell::kNotGiven;  ///< in the producers' bores
  double radius = 0.0;                      ///< of all bores; 0 where no well pressure is needed
  double distance = 0.15;                   ///< least between two wells, over the domain's shorter side

  bool has_pressure() const { return pressure == pressure; }
  int most() const { return injectors.most + producers.most; }
};

/// Injectors first. Places are uniform in the domain, drawn one after another until each is in an active cell and far enough from those
/// before and from those in `taken`. Keyed by (seed, sample), by other random numbers than fields. Throws InvalidInput where cells are so large that two wells may
/// share one, and where no place is found.
std::vector<PlacedWell> draw_wells(const RandomWells& wells, std::uint64_t seed, std::uint64_t sample,
                                   const Grid& grid, const CellMask& active,
                                   const std::vector<PlacedWell>& taken = {});

/// In what wells are unlike those that `drawn` describes, in words; empty where in nothing. Rates, shares and distances may differ by a fifth.
std::vector<std::string> unlike_drawn(const std::vector<PlacedWell>& wells, const RandomWells& drawn,
                                      const Grid& grid);

}  // namespace mano
