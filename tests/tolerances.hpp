#pragma once
// Tolerances of the tests, by what is compared.

namespace mano::tolerance {

inline constexpr double kExact = 1e-12;   ///< the same double-precision arithmetic in another order
inline constexpr double kSolver = 1e-10;  ///< pressures from solves with a relative tolerance of 1e-12
inline constexpr double kParity = 1e-10;  ///< float64 network against another implementation, relative
inline constexpr double kSinglePrecision = 2e-6;  ///< float32 against float64, relative
inline constexpr double kOrder = 0.1;             ///< fitted orders of convergence

}  // namespace mano::tolerance
