#pragma once
// The faces along one side of a grid. Private to solver/.

#include "solver/problem.hpp"

namespace mano {

struct BoundaryFace {
  int i, j;         // the cell inside
  int position;     // along the side
  double length;    // of the face
  double distance;  // between cell centres across this kind of face
};

template <typename Visit>
void for_each_face(const Grid& g, Side side, Visit visit) {
  if (side == Side::left || side == Side::right) {
    for (int j = 0; j < g.ny; ++j)
      visit(BoundaryFace{side == Side::left ? 0 : g.nx - 1, j, j, g.hy(), g.hx()});
  } else {
    for (int i = 0; i < g.nx; ++i)
      visit(BoundaryFace{i, side == Side::bottom ? 0 : g.ny - 1, i, g.hx(), g.hy()});
  }
}

}  // namespace mano
