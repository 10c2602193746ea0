#pragma once
// Random permeability fields, as functions of (specification, seed, sample) evaluated on a grid.
//
// Sample i of a seed is the same physical field at every resolution: random coefficients belong to modes, layers and
// channels of the domain, never to cells; a grid only chooses where the field is evaluated (at its cell centres).

#include <cstdint>
#include <string>

#include "core/field.hpp"

namespace mano {

struct FieldSpec {
  /// two-phase   k = high where g > 0, else low; g Gaussian with covariance (-Laplace + tau^2)^-2, tau = 1 / phase_length, zero-flux
  ///             boundaries, without its constant mode: with tau = 3 on the unit square the benchmark of the operator-learning
  ///             literature (arXiv 2010.08895, appendix A.3.2), whose generator leaves the constant out
  /// lognormal   log k Gaussian with Matern covariance: mean, deviation, correlation lengths, smoothness
  /// layered     `layers` horizontal layers between uniform random depths; log k of each is N(mean, deviation^2)
  /// channels    `channels` winding channels of permeability `contrast` in a matrix of permeability 1
  std::string kind = "two-phase";
  double low = 3.0;
  double high = 12.0;
  double phase_length = 1.0 / 3.0;    ///< in units of length of the domain; its inverse is 3 exactly
  double mean = 0.0;                  ///< of log k
  double deviation = 1.0;             ///< of log k
  double correlation_length_x = 0.1;  ///< in units of length of the domain
  double correlation_length_y = 0.1;
  double correlation_length_z = 0.1;  ///< of a volume
  double smoothness = 0.5;            ///< Matern's nu: 0.5 is the exponential covariance
  int layers = 8;
  int channels = 4;
  double channel_width = 0.08;  ///< as a fraction of the domain's height
  double contrast = 100.0;

  bool operator==(const FieldSpec&) const = default;
};

/// Throws InvalidInput for an unknown kind or a parameter out of range.
void check_field_spec(const FieldSpec& spec);

/// Also for a correlation length above twice the domain. Throws InvalidInput.
void check_field_spec(const FieldSpec& spec, const Grid& grid);

/// The shortest length over which a field varies, over that of a cell: below one, neighbouring cells are all but independent. Infinite for
/// kinds whose lengths are parts of the domain.
double cells_in_length(const FieldSpec& spec, const Grid& grid);

/// Bytes that drawing a field takes.
double field_memory(const FieldSpec& spec, const Grid& grid);

/// Permeability of sample `sample`, strictly positive. Throws InvalidInput as check_field_spec does.
Field draw_field(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid);

// In a volume (datagen/volume_field.cpp) the kinds are the same in three dimensions; the Gaussian fields are those of
// datagen/volume_gaussian.hpp, which says how rough they are and which modes are left out:
//   two-phase   by a Gaussian with zero flux through all sides
//   lognormal   of the Matern covariance in three dimensions
//   layered     layers along z
//   channels    `layers` units of equal thickness, in each of which `channels` channels of their own wind along x

// Of flat grids; they throw InvalidInput for volumes.

/// A two-phase field without the modes that `grid` cannot tell from longer ones, m >= nx or n >= ny (datagen/field_sampler.hpp).
Field draw_resolved_two_phase(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample,
                              const Grid& grid);

/// The Gaussian field of covariance (-Laplace + tau^2)^-2 with zero-flux boundaries on [0, lx] x [0, ly]:
///   g(x, y) = sum_mn xi_mn lambda_mn^(1/2) phi_mn,  lambda^(1/2) = (pi^2 (m^2/lx^2 + n^2/ly^2) + tau^2)^-1,
///   phi_mn = c cos(pi m x / lx) cos(pi n y / ly), orthonormal; m, n < 128 and not both 0:
/// with a constant mode, a twelfth of the samples would hold one phase only. `modes` leaves out all m >= nx and n >= ny.
Field draw_neumann_gaussian(double tau, std::uint64_t seed, std::uint64_t sample, const Grid& grid,
                            const Resolution& modes = {1 << 30, 1 << 30});

/// Gaussian field with mean 0, variance 1 and the Matern covariance of `spec`,
///   C(r) = 2^(1-nu) / Gamma(nu) (sqrt(2 nu) r)^nu K_nu(sqrt(2 nu) r),  r^2 = (dx / length_x)^2 + (dy / length_y)^2,
/// from its spectrum on a torus at least six correlation lengths longer than the domain. Modes beyond 99 % of the
/// variance (or 1024 an axis) are left out and the rest rescaled to variance 1.
Field draw_matern_gaussian(const FieldSpec& spec, std::uint64_t seed, std::uint64_t sample, const Grid& grid);

/// The Matern covariance above at lag (dx, dy); 1 at zero lag.
double matern_covariance(const FieldSpec& spec, double dx, double dy);

}  // namespace mano
