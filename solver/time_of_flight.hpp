#pragma once
// Time of flight: how long fluid has been under way in the rock since it entered.
//
//   u . grad tau = phi,   tau = 0 where fluid enters: at sides, injecting wells and sources      phi: porosity, u: Darcy flux
//
// By finite volumes, first order, upwind. With the flows of solver/flow.hpp, the balance of cell c is
//
//   tau_c (sum of flows out of c) = phi_c area + sum over faces with flow into c of flow * tau_neighbour
//
// so tau_c is the time of flight of what leaves the cell, the mean over its outlets weighted by flow. Flow runs from higher to lower
// pressure, so one pass over the cells in the order of falling pressure solves these equations exactly. For layers along the flow tau_c is
// exact on the downstream face, elsewhere of first order.
//
// Sources: J. R. Natvig and K.-A. Lie, J. Comput. Phys. 227 (2008), 10108-10124 (order of the cells); M. Shahvali, B. Mallison,
// K. Wei and H. Gross, SPE J. 17 (2012) (the steady equation, upwind on cells).

#include "solver/problem.hpp"

namespace mano {

/// `pore` is pore volume per area: porosity in a layer of unit thickness. Units: those of pore volume over those of the problem's flows.
/// Infinite where nothing flows, not a number in inactive cells. No flow is what the residual of `pressure` and rounding cannot tell from
/// none: through a face, at most the sum of |residual| over all cells. Throws InvalidInput for another grid or porosities that are
/// negative or not finite in active cells.
Field time_of_flight(const Problem& problem, const Field& pressure, const Field& pore);

/// Sum of `pore` times area over active cells.
double pore_volume(const Problem& problem, const Field& pore);

/// Pore volume of the cells that fluid has passed within `time` of its entry: tau_c <= time.
double swept_volume(const Problem& problem, const Field& pore, const Field& tau, double time);

}  // namespace mano
