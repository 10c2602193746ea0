#pragma once
// The derivative of a functional J(p) of the discrete pressure with respect to the permeability, by the adjoint equation:
//
//   A(k) p = b(k)          A lambda = dJ/dp          dJ/d(ln k_c) = lambda . (db/d(ln k_c) - dA/d(ln k_c) p)
//
// A is symmetric, so that the adjoint is one more solve with the same matrix (Corrector::solve_for). With the transmissibilities of
// solver/stencil.hpp, face by face:
//
//   interior face   T = 2 k_a k_b / (k_a + k_b) ..., dT/d(ln k_a) = T k_b / (k_a + k_b):   -(lambda_a - lambda_b) (p_a - p_b) dT
//   pressure face   T in proportion to k_a:                                                  lambda_a (p_boundary - p_a) T
//   well of given pressure   index in proportion to k_a:                                     lambda_a (p_well - p_a) index
//
// W. W.-G. Yeh, Review of parameter identification procedures in groundwater hydrology, Water Resour. Res. 22 (1986), section on
// adjoint-state methods.

#include "solver/problem.hpp"
#include "solver/stencil.hpp"

namespace mano {

/// dJ/d(ln k) [ny, nx] of pressure `p` and its adjoint `lambda`, both [ny, nx]; 0 in inactive cells. Where the permeability has two directions
/// both are multiplied with the cell's factor: the derivative is that by the logarithm of either at a fixed ratio. Throws InvalidInput for
/// fields of another grid.
Field gradient_by_log_permeability(const Problem& problem, const Field& pressure, const Field& adjoint);
/// The same with the problem's stencil, which a Corrector has.
Field gradient_by_log_permeability(const Problem& problem, const Stencil& stencil, const Field& pressure,
                                   const Field& adjoint);

}  // namespace mano
