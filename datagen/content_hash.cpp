#include "datagen/content_hash.hpp"

#include <xxhash.h>

#include <fstream>
#include <memory>
#include <vector>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

std::uint64_t text_hash(const std::string& text) {
  return XXH3_64bits(text.data(), text.size());
}

std::string file_hash(const std::filesystem::path& path) {
  check_readable(path);
  std::ifstream in(path, std::ios::binary);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(1 << 20);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
    XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(in.gcount()));
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace mano
