#pragma once
// What flows where, from a pressure: u = -k grad p by the discretisation of solver/stencil.hpp.

#include <array>
#include <vector>

#include "solver/problem.hpp"

namespace mano {

/// Darcy flux on faces, 0 at those of inactive cells, per area (per length of a flat grid): ux [nz, ny, nx + 1] eastward,
/// uy [nz, ny + 1, nx] northward, uz [nz + 1, ny, nx] downward, empty where the grid is flat.
struct FaceFlux {
  std::vector<double> ux;
  std::vector<double> uy;
  std::vector<double> uz;
};
FaceFlux face_flux(const Problem& problem, const Field& pressure);

/// Flux at cell centres, the mean of the two opposite faces.
struct CellFlux {
  Field x;
  Field y;
  Field z;  ///< empty where the grid is flat
};
CellFlux cell_flux(const Problem& problem, const Field& pressure);
CellFlux cell_flux(const Grid& grid, const FaceFlux& faces);

/// Flow through each side, positive outwards, indexed by Side.
std::array<double, 6> outflow(const Problem& problem, const Field& pressure);

/// Flow of each well into the rock, and the pressure inside it (not a number for a rate without a radius).
struct WellState {
  struct Layer {
    int layer = 0;
    double rate = 0.0;
  };
  double rate = 0.0;
  double pressure = 0.0;
  std::vector<Layer> layers;  ///< the active ones, from the top
};
std::vector<WellState> well_states(const Problem& problem, const Field& pressure);

/// What flows in, through sides, wells and sources.
double inflow(const Problem& problem, const Field& pressure);

/// |what flows in - what flows out| over what flows in, through sides, wells and sources; 0 where nothing flows.
double mass_balance_error(const Problem& problem, const Field& pressure);

}  // namespace mano
