#pragma once
// Whole numbers of JSON, checked: nlohmann's own conversion cuts off what a type cannot hold, and of 1e99 it is undefined.
// Private to surrogate/.

#include <concepts>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.hpp"

namespace mano {

/// Throws InvalidInput naming `name` for another kind of value and for a number that T cannot hold.
template <std::integral T>
T whole_number(const nlohmann::json& value, const char* name) {
  check(value.is_number_integer(), "{} is not a whole number", name);
  const bool fits = value.is_number_unsigned() ? std::in_range<T>(value.get<std::uint64_t>())
                                               : std::in_range<T>(value.get<std::int64_t>());
  check(fits, "{} is {}, which is out of range", name, value.dump());
  return value.get<T>();
}

}  // namespace mano
