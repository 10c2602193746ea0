#pragma once
// The safetensors format: 8 bytes of little-endian header length, a JSON header, the tensors' bytes. Reading never runs
// code from the file, and every length, offset and shape is checked against the file before it is used.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mano {

struct StoredTensor {
  std::string dtype;  ///< "F32", "F64" or "I64"
  std::vector<std::int64_t> shape;
  std::vector<char> bytes;  ///< row-major, little-endian
};

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

/// Throws InvalidInput, naming the file and what is wrong in it.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// By temporary file, fsync and rename.
void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file);

}  // namespace mano
