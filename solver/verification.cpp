#include "solver/verification.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "solver/stencil.hpp"

namespace mano {

std::string rejection_of(const Problem& problem, const Field& pressure, double tolerance) {
  std::string violation = maximum_principle_violation(problem, pressure);
  if (!violation.empty()) return violation;
  const Stencil stencil(problem);
  const double residual = relative_residual(stencil, pressure);
  if (residual <= tolerance) return "";
  const double bound = std::max(tolerance, attainable_relative_residual(stencil, pressure));
  // Not <=: a residual that is not a number is rejected too.
  return residual <= bound ? "" : fmt::format("relative residual {:.3g} is above {:.3g}", residual, bound);
}

}  // namespace mano
