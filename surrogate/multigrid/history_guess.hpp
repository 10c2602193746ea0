#pragma once
// What is known of a displacement before a network looks at it (displacement/first_guess.hpp).

#include <vector>

#include "core/field.hpp"

namespace mano {

struct HistoryGuess {
  std::vector<Field> saturation;  ///< at each time
  Field pressure;                 ///< one for all times
};

}  // namespace mano
