#pragma once
// Wall-clock time for durations.

#include <chrono>

namespace mano {

/// Seconds since an arbitrary moment; differences are durations.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace mano
