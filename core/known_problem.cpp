#include "core/known_problem.hpp"

#include <algorithm>

namespace mano {

bool KnownProblem::pressure_is_free() const {
  return std::none_of(ends.begin(), ends.end(),
                      [](const AxisEnd& end) { return end.kind == AxisEnd::Kind::value; });
}

KnownProblem closed_problem() {
  const AxisEnd closed{AxisEnd::Kind::mirror, 0.0};
  return {{closed, closed, closed, closed}, closed, 0.0, 0.0};
}

std::optional<KnownProblem> known_problem(const std::string& problem_name) {
  const auto value = [](double v) { return AxisEnd{AxisEnd::Kind::value, v}; };
  KnownProblem problem = closed_problem();
  if (problem_name == "benchmark") {
    problem.ends = {value(0), value(0), value(0), value(0)};
    problem.top_and_bottom = value(0);
    problem.source = 1.0;
  } else if (problem_name == "drive") {
    problem.ends[0] = value(1);
    problem.ends[1] = value(0);
  } else if (problem_name == "five-spot") {
    problem.corner_rate = 1.0;
  } else {
    return {};
  }
  return problem;
}

}  // namespace mano
