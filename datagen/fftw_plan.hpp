#pragma once
// An owner of an FFTW plan. Private to datagen/.

#include <fftw3.h>

#include <memory>
#include <mutex>
#include <new>

namespace mano {

/// Of FFTW's functions only fftw_execute may run in several threads at once.
inline std::mutex fftw_planner;

struct PlanDeleter {
  void operator()(fftw_plan_s* plan) const {
    const std::lock_guard lock(fftw_planner);
    fftw_destroy_plan(plan);
  }
};
using Plan = std::unique_ptr<fftw_plan_s, PlanDeleter>;

/// What make() plans. FFTW has no plan where it has no memory.
template <typename Make>
Plan planned(const Make& make) {
  const std::lock_guard lock(fftw_planner);
  fftw_plan plan = make();
  if (plan == nullptr) throw std::bad_alloc();
  return Plan(plan);
}

}  // namespace mano
