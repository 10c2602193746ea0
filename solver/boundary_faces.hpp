#pragma once
// The faces along one side of a grid. Private to solver/.

#include "solver/flow.hpp"
#include "solver/problem.hpp"

namespace mano {

struct BoundaryFace {
  std::size_t cell;   // inside
  std::size_t index;  // of the face among all faces across this axis, as solver/stencil.hpp orders them
  int position;       // along the side
  double area;        // of the face
  double distance;    // between cell centres across this kind of face
};

inline Axis axis_of(Side side) {
  return static_cast<Axis>(static_cast<int>(side) / 2);
}

// Of three things, that of an axis.
template <typename T>
T& of_axis(Axis axis, T& x, T& y, T& z) {
  return axis == Axis::x ? x : axis == Axis::y ? y : z;
}

// Outward is the direction of the axis.
inline bool at_end(Side side) {
  return static_cast<int>(side) % 2 == 1;
}

template <typename Visit>
void for_each_face(const Grid& g, Side side, Visit visit) {
  const bool end = at_end(side);
  int position = 0;
  switch (axis_of(side)) {
    case Axis::x:
      for (int k = 0; k < g.nz; ++k) {
        for (int j = 0; j < g.ny; ++j) {
          const std::size_t row = static_cast<std::size_t>(k) * g.ny + j;
          visit(BoundaryFace{g.index(end ? g.nx - 1 : 0, j, k), row * (g.nx + 1) + (end ? g.nx : 0),
                             position++, g.hy() * g.hz(), g.hx()});
        }
      }
      break;
    case Axis::y:
      for (int k = 0; k < g.nz; ++k) {
        const std::size_t row = static_cast<std::size_t>(k) * (g.ny + 1) + (end ? g.ny : 0);
        for (int i = 0; i < g.nx; ++i) {
          visit(BoundaryFace{g.index(i, end ? g.ny - 1 : 0, k), row * g.nx + i, position++, g.hx() * g.hz(),
                             g.hy()});
        }
      }
      break;
    case Axis::z:
      for (std::size_t c = 0; c < g.layer(); ++c) {
        visit(BoundaryFace{end ? g.cells() - g.layer() + c : c, end ? g.cells() + c : c, position++,
                           g.hx() * g.hy(), g.hz()});
      }
      break;
  }
}

// visit(face, flow outwards through it) for each face of the side
template <typename Visit>
void for_each_outflow(const Grid& grid, const FaceFlux& flux, Side side, Visit visit) {
  const std::vector<double>& u = of_axis(axis_of(side), flux.ux, flux.uy, flux.uz);
  for_each_face(grid, side, [&](const BoundaryFace& face) {
    visit(face, (at_end(side) ? u[face.index] : -u[face.index]) * face.area);
  });
}

}  // namespace mano
