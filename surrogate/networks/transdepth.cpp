#include "core/error.hpp"
#include "surrogate/networks/rivals.hpp"

namespace mano {

std::unique_ptr<Network> make_transdepth(const Architecture&, std::uint64_t) {
  throw MissingPart("transdepth is not written yet");
}

}  // namespace mano
