#pragma once
// What machine this is.

#include <string>

namespace mano {

/// Name of the processor, as the kernel tells it; "unknown" where it does not.
std::string processor_name();

}  // namespace mano
