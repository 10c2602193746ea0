#pragma once
// A library whose own clean-up would crash: the process must end without it.

namespace mano {

/// Set by whoever finds out, before the error is thrown; main() and PetscSession then leave without a clean-up.
inline bool& clean_up_would_crash() {
  static bool flag = false;
  return flag;
}

}  // namespace mano
