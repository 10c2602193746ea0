#pragma once
// The derivative of a functional J(p, w) of the discrete pressure p and of what wells do, w, with respect to everything that drives the flow, by
// the adjoint equation:
//
//   A(k) p = b(k, m)          A lambda = dJ/dp          dJ/dm = lambda . db/dm
//                                                       dJ/d(ln k_c) = lambda . (db/d(ln k_c) - dA/d(ln k_c) p)
//
// A is symmetric, so that the adjoint is one more solve with the same matrix (Corrector::solve_for), whatever the derivatives are by. With
// the transmissibilities of solver/stencil.hpp, face by face:
//
//   interior face   T = 2 k_a k_b / (k_a + k_b) ..., dT/d(ln k_a) = T k_b / (k_a + k_b):   -(lambda_a - lambda_b) (p_a - p_b) dT
//   pressure face   T in proportion to k_a:   by ln k_a  lambda_a (p_boundary - p_a) T,    by p_boundary  lambda_a T
//   flux face                                                                              by u.n  -lambda_a area
//   source                                                                                 by f  lambda_a hx hy
//   well of given pressure   index in proportion to k_a:   by ln k_a  lambda_a (p_well - p_a) index,    by p_well  lambda_a index
//   well of given rate                                                                     by the rate  lambda_a
//
// What a well does depends on p, and directly on k and on what is given: rate = index (p_well - p_a), p_well = p_a + rate / index
// (Peaceman's, solver/problem.hpp). Both parts are in the derivative.
//
// W. W.-G. Yeh, Review of parameter identification procedures in groundwater hydrology, Water Resour. Res. 22 (1986), section on
// adjoint-state methods.

#include <array>
#include <vector>

#include "solver/problem.hpp"
#include "solver/stencil.hpp"

namespace mano {

/// dJ by what each well does: its rate into the rock, the pressure in its bore; one a well, or empty. The latter counts for nothing where a
/// well has no radius.
struct WellSlopes {
  std::vector<double> by_rate;
  std::vector<double> by_pressure;
};

/// dJ/dp [ny, nx] and that by the wells.
struct FunctionalSlope {
  Field by_pressure;
  WellSlopes by_wells = {};
};

/// dJ by all that drives the flow.
struct FlowGradient {
  /// [ny, nx], 0 in inactive cells. Where the permeability has two directions both are multiplied with the cell's factor: the derivative is
  /// that by the logarithm of either at a fixed ratio.
  Field by_log_permeability;
  Field by_source;                                 ///< [ny, nx], 0 in inactive cells
  std::vector<double> by_well;                     ///< by Well::value of each
  std::array<std::vector<double>, 6> by_boundary;  ///< by BoundaryCondition::values, indexed by Side
};

/// The right-hand side of the adjoint equation: dJ/dp with what goes through the wells' rates and pressures. Throws InvalidInput for a slope
/// that does not fit the problem, and for volumes.
Field adjoint_source(const Problem& problem, FunctionalSlope slope);

/// From the pressure [ny, nx] and the solution of the adjoint equation [ny, nx]. Where the pressure is free its mean is held at zero, and so
/// must be the sum of what flows in: then only combinations of the derivatives that keep it mean something. Throws InvalidInput for fields
/// of another grid, and for volumes.
FlowGradient flow_gradient(const Problem& problem, const Stencil& stencil, const WellSlopes& by_wells,
                           const Field& pressure, Field adjoint);

}  // namespace mano
