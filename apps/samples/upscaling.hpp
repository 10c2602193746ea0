#pragma once
// The effective permeability of a rock by the flow that a unit pressure drop drives through it, beside three means.

#include <functional>
#include <vector>

#include "datagen/generator.hpp"
#include "solver/problem.hpp"

namespace mano {

/// In one direction; in the unit of the permeability.
struct EffectivePermeability {
  double effective = 0.0;
  double harmonic_mean = 0.0;
  double geometric_mean = 0.0;
  double arithmetic_mean = 0.0;  ///< means over active cells
};

/// Along x and y, of a volume also along z: k = flow length / section (width of a flat grid) of a pressure drop of 1, no flow through the
/// other sides; what neither side reaches takes no part. `solve` solves and verifies. Throws RunFailed where a solution is rejected.
std::vector<EffectivePermeability> upscaled(const Problem& rock,
                                            const std::function<VerifiedSolution(const Problem&)>& solve);

}  // namespace mano
