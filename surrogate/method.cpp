#include <array>

#include "core/error.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

namespace {

constexpr std::array kNames{"multigrid",   "interpolation",       "direct",     "jacobi", "zero-start",
                            "exact-start", "exact-interpolation", "interleaved"};

}  // namespace

const char* to_string(Method method) {
  return kNames.at(static_cast<std::size_t>(method));
}

Method parse_method(const std::string& name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (name == kNames[i]) return static_cast<Method>(i);
  throw InvalidInput(fmt::format(
      "method is '{}', expected multigrid, interpolation, direct, interleaved, jacobi, zero-start, "
      "exact-start or exact-interpolation",
      name));
}

}  // namespace mano
