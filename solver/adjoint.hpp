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
//   source                                                                                 by f  lambda_a hx hy hz
//
// A well is open in cells a of one or several layers. What it does depends on p, and directly on k and on what is given (Peaceman's,
// solver/problem.hpp); both parts are in the derivative. With W the sum of its indices, J_q and J_P the derivatives by its rate and by the
// pressure P in its bore:
//
//   given pressure             q_a = index_a (P - p_a)              by ln index_a  (lambda_a + J_q) q_a
//                                                                   by P           sum of (lambda_a + J_q) index_a + J_P
//   given rate q, a radius     P = (q + sum of index_a p_a) / W     by ln index_a  (lambda_a - L) q_a - J_P q_a / W
//                              L = sum of index_a lambda_a / W      by q           L + J_q + J_P / W
//   given rate q, no radius    q_a = share_a q                      by ln of sqrt(kx ky)  (lambda_a - L) q_a,   L = sum of share_a lambda_a
//                                                                   by q           L + J_q
//
// Permeability along y and along z may be variables of their own. With r = ky / kx and r_o the equivalent radius an index then has
//
//   d(ln index) / d(ln ky) = 1/2 - D / ln(r_o / radius),   d(ln index) / d(ln kx) = 1/2 + D / ln(r_o / radius)
//   D = d(ln r_o) / d(ln r) = ((sqrt(r) hx^2 - hy^2 / sqrt(r)) / (sqrt(r) hx^2 + hy^2 / sqrt(r)) - (sqrt(r) - 1) / (sqrt(r) + 1)) / 4
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

/// dJ/dp [nz, ny, nx] and that by the wells.
struct FunctionalSlope {
  Field by_pressure;
  WellSlopes by_wells = {};
};

/// The directions whose permeability is a variable of its own. That of the others is held at its ratio to the permeability along x.
struct OwnDirections {
  bool y = false;
  bool z = false;  ///< of a volume
};

/// dJ by all that drives the flow. Fields are [nz, ny, nx], 0 in inactive cells.
struct FlowGradient {
  /// By the logarithm of the permeability along x, with which that along y and along z is multiplied where it is no variable of its own,
  /// and else held fixed.
  Field by_log_permeability;
  Field by_log_permeability_y;  ///< all else held fixed; empty where it is no variable of its own
  Field by_log_permeability_z;
  Field by_source;
  std::vector<double> by_well;                     ///< by Well::value of each
  std::array<std::vector<double>, 6> by_boundary;  ///< by BoundaryCondition::values, indexed by Side
};

/// The right-hand side of the adjoint equation: dJ/dp with what goes through the wells' rates and pressures. Throws InvalidInput for a slope
/// that does not fit the problem.
Field adjoint_source(const Problem& problem, FunctionalSlope slope);

/// From the pressure [nz, ny, nx] and the solution of the adjoint equation [nz, ny, nx]. Where the pressure is free its mean is held at zero,
/// and so must be the sum of what flows in: then only combinations of the derivatives that keep it mean something. Throws InvalidInput for
/// fields of another grid, and for permeability along z as a variable in a flat grid.
FlowGradient flow_gradient(const Problem& problem, const Stencil& stencil, const WellSlopes& by_wells,
                           const Field& pressure, Field adjoint, OwnDirections own = {});

}  // namespace mano
