#pragma once
// Error against the discrete solution over the time for it: what a solver, and a surrogate with some solver's work, give for how much.

#include <functional>
#include <vector>

#include "apps/comparison/comparison.hpp"
#include "solver/problem.hpp"

namespace mano {

struct SolvedSample {
  Problem problem;
  Field solution;
};

// Times are medians over the samples, each done again and again by one and the same object, after one that is not timed.

/// One way to a pressure: the mean relative L2 error that it leaves, and its time.
WorkPoint work_of(const std::string& label, const std::vector<SolvedSample>& samples,
                  const std::function<Field(const SolvedSample&)>& way);

/// `mano solve`'s solver at tolerances 1e-1 to 1e-8, and the truth's, set-up included, on one core. Needs a PetscSession.
WorkCurve solver_curve(const std::vector<SolvedSample>& samples, double truth);

/// Seconds of `way` a sample.
double median_seconds(const std::vector<SolvedSample>& samples,
                      const std::function<void(const SolvedSample&)>& way);

/// 0 to 6 multigrid cycles (solver/correction.hpp) from `start(sample)`, its time and the hierarchy's included.
WorkCurve cycles_curve(const std::string& name, const std::vector<SolvedSample>& samples,
                       const std::function<Field(const SolvedSample&)>& start);

/// The solution at `coarse`, to 1e-6, interpolated with the boundary's values. Needs a PetscSession.
Field coarse_solution(const Problem& problem, const std::string& problem_name, const Resolution& coarse);

}  // namespace mano
