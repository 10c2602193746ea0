#pragma once
// Wall-clock and processor time for durations.

#include <chrono>
#include <ctime>

namespace mano {

/// Seconds since an arbitrary moment; differences are durations.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds that processors have spent on all threads of this process.
inline double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace mano
