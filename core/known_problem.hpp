#pragma once
// What a named problem prescribes, in the terms of one rectangle or box: for all who know a problem by its name. The solver makes a whole
// problem of it (solver/problem.hpp), the batches and the surrogate read it as it is.

#include <optional>
#include <string>

#include "core/resample.hpp"

namespace mano {

/// No flow leaves through a mirrored end.
struct KnownProblem {
  Ends ends;                      ///< x = 0, x = lx, y = 0, y = ly
  AxisEnd top_and_bottom;         ///< of a volume
  double source = 0.0;            ///< f
  double corner_rate = 0.0;       ///< of a well in the first cell; its opposite in the last
  bool pressure_is_free() const;  ///< up to a constant; its mean is zero
};

/// No flow through any side, no source, no well.
KnownProblem closed_problem();

/// benchmark, drive and five-spot; empty for problems whose data the name does not tell.
std::optional<KnownProblem> known_problem(const std::string& problem_name);

}  // namespace mano
