#pragma once
// --well X,Y,rate=RATE|bhp=PRESSURE[,radius=R][,layers=FIRST:LAST][,name=NAME]
// --random-wells injectors=N[:M],producers=N[:M][,rate=RATE][,bhp=PRESSURE][,radius=R][,distance=D]

#include <optional>
#include <string>
#include <vector>

#include "datagen/random_wells.hpp"
#include "solver/problem.hpp"

namespace mano {

struct WellOption {
  std::string text;  ///< as given
  double x = 0.0;    ///< in the coordinates of the grid's origin
  double y = 0.0;
  Well well;         ///< its cell and layers are set by well_on()
  std::string name;  ///< empty where not given
  struct Layers {
    int first = 0;  ///< counted from 1 at the top, as in decks
    int last = 0;
  };
  std::optional<Layers> layers;  ///< all where not given
};

/// "a,b" -> {"a", "b"}
std::vector<std::string> split(const std::string& text, char separator);

/// Throws InvalidInput naming the part that is not understood.
WellOption parse_well(const std::string& text);

/// In the cell of `grid` that holds (x, y), open in its layers. Throws InvalidInput for a place outside, for layers that a volume does not
/// have, and for layers in a flat grid.
Well well_on(const Grid& grid, const WellOption& option);

/// The same of a well that stands at its place on every grid; and back.
Well well_on(const Grid& grid, const PlacedWell& well);
/// Throws InvalidInput for layers, which it has not.
PlacedWell placed_well(const WellOption& option);

/// Throws InvalidInput naming the part that is not understood.
RandomWells parse_random_wells(const std::string& text);

/// "cell (3, 4)"; of a volume "column (3, 4), layers 2 to 5" or "column (3, 4), layer 2", counted from 1.
std::string place_of(const Grid& grid, const Well& well);

/// A note on standard error of rank 0, if two wells stand in one cell: on a coarse grid they may, but a --well in other units than the
/// domain's looks like this, too. `names` as FlowSource::well_names().
void note_shared_cell(const Problem& problem, const std::vector<std::string>& names);

}  // namespace mano
