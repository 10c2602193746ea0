#pragma once
// Whether a pressure may be stored and handed on as the solution of a problem.

#include <string>

#include "solver/problem.hpp"

namespace mano {

/// Why `pressure` must not be stored: true relative residual above `tolerance` (or what rounding allows), not finite, outside the maximum
/// principle; empty where it may.
std::string rejection_of(const Problem& problem, const Field& pressure, double tolerance);

}  // namespace mano
