#pragma once
// Gaussian fields of volumes, by their modes. Private to datagen/.
//
// Both are transformed axis by axis, z first: a plane of modes at a time, then a layer at a time. What is transformed stays in the cache, modes
// that are zero and points outside the domain are left out, and no more than the field and two axes of modes are held.

#include <cstdint>

#include "datagen/random_field.hpp"

namespace mano {

/// The Gaussian field of covariance (-Laplace + tau^2)^-2 with zero flux through all sides of [0, lx] x [0, ly] x [0, lz]:
///   g = sum_mno xi_mno lambda_mno^(1/2) phi_mno,  lambda^(1/2) = (pi^2 (m^2/lx^2 + n^2/ly^2 + o^2/lz^2) + tau^2)^-1,
///   phi_mno = c cos(pi m x / lx) cos(pi n y / ly) cos(pi o z / lz), orthonormal; m, n, o < 64 and not all 0.
/// In three dimensions the same power is rougher than in the plane: g is Hoelder continuous of any exponent below 1/2, as the surfaces
/// between phases are, where in the plane it is of any below 1.
Field draw_volume_neumann_gaussian(double tau, std::uint64_t seed, std::uint64_t sample, const Grid& grid);

/// Gaussian field with mean 0, variance 1 and the Matern covariance of `spec` in three dimensions, r^2 the sum of (lag / length)^2 along x, y
/// and z, from its spectrum on a torus at least six correlation lengths longer than the domain. Modes lie in an ellipsoid, which holds 94 % of the
/// variance, but at most 128 along each axis: with nu = 1/2 that leaves out more where a correlation length is below a twentieth of the
/// domain (16 % at a fiftieth). What is left is rescaled to variance 1.
Field draw_volume_matern_gaussian(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample,
                                  const Grid& grid);

/// Bytes that the latter takes, the field included.
double volume_matern_memory(const FieldSpec& spec, const Grid& grid);

}  // namespace mano
