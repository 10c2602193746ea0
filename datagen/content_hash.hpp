#pragma once
// Hashes that tell contents apart: of files in results and reports, of texts in the names of problems. Not against forgery.

#include <cstdint>
#include <filesystem>
#include <string>

namespace mano {

/// XXH3-64 of a text.
std::uint64_t text_hash(const std::string& text);

/// XXH3-128 of a file's bytes, in hexadecimal. Throws InvalidInput where the file cannot be read.
std::string file_hash(const std::filesystem::path& path);

}  // namespace mano
