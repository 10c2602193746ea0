#include "core/error.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

std::unique_ptr<Network> make_mat(const Architecture&, std::uint64_t) {
  throw MissingPart("mat is not written yet");
}

}  // namespace mano
