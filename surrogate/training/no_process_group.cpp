// Stands in for surrogate/training/process_group.cpp where Gloo's headers are absent.
#include <cstdlib>

#include "core/error.hpp"
#include "surrogate/training/process_group.hpp"

namespace mano {

struct ProcessGroup::Backend {};

ProcessGroup::ProcessGroup() {
  for (const char* name : {"WORLD_SIZE", "OMPI_COMM_WORLD_SIZE"}) {
    const char* size = std::getenv(name);
    if (size != nullptr && std::string(size) != "1")
      throw MissingPart(fmt::format(
          "{} is {}, but this mano was built without Gloo's headers (libgloo-dev) and trains alone", name,
          size));
  }
}
ProcessGroup::~ProcessGroup() = default;
void ProcessGroup::add_up(torch::Tensor&) {}

}  // namespace mano
