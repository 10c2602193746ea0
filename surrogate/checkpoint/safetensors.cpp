#include "surrogate/checkpoint/safetensors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

using nlohmann::json;

namespace {

constexpr std::uint64_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kLengthBytes = 8;

std::size_t size_of(const std::string& dtype, const std::string& where) {
  if (dtype == "F32") return 4;
  if (dtype == "F64" || dtype == "I64") return 8;
  throw InvalidInput(fmt::format("{}: dtype '{}' is not supported (F32, F64, I64)", where, dtype));
}

std::uint64_t bytes_of(const std::vector<std::int64_t>& shape, std::size_t item, const std::string& where) {
  std::uint64_t bytes = item;
  for (std::int64_t n : shape) {
    check(n >= 0, "{}: negative size {}", where, n);
    check(n == 0 || bytes <= std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(n),
          "{}: shape overflows", where);
    bytes *= static_cast<std::uint64_t>(n);
  }
  return bytes;
}

struct Header {
  json entries;
  std::uint64_t data_begin = 0;
  std::uint64_t data_size = 0;
};

Header read_header(std::ifstream& in, const std::filesystem::path& path) {
  const std::string name = path.string();
  const std::uint64_t file_size = std::filesystem::file_size(path);
  check(file_size > kLengthBytes, "{} is not a safetensors file: {} bytes", name, file_size);
  unsigned char raw[kLengthBytes];
  in.read(reinterpret_cast<char*>(raw), kLengthBytes);
  std::uint64_t length = 0;
  for (int b = 7; b >= 0; --b) length = length << 8 | raw[b];
  check(length >= 2 && length <= kLargestHeader && length <= file_size - kLengthBytes,
        "{} is not a safetensors file, or is truncated: its header would be {} bytes of {}", name, length,
        file_size);
  std::string text(length, '\0');
  in.read(text.data(), static_cast<std::streamsize>(length));
  check(in.good(), "{}: cannot read the header", name);
  Header header{json::parse(text, nullptr, false), kLengthBytes + length, file_size - kLengthBytes - length};
  check(header.entries.is_object(), "{}: the header is not a JSON object", name);
  return header;
}

std::map<std::string, std::string> metadata_of(const Header& header, const std::string& name) {
  std::map<std::string, std::string> metadata;
  if (!header.entries.contains("__metadata__")) return metadata;
  const json& stored = header.entries["__metadata__"];
  check(stored.is_object(), "{}: __metadata__ is not an object", name);
  for (const auto& [key, value] : stored.items()) {
    check(value.is_string(), "{}: metadata '{}' is not a string", name, key);
    metadata[key] = value;
  }
  return metadata;
}

struct Extent {
  std::uint64_t begin, end;
  std::string name;
};

// The tensors' bytes must fill the data part without gaps and overlaps, as the format demands.
void check_extents(std::vector<Extent> extents, std::uint64_t data_size, const std::string& file) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const Extent& e : extents) {
    check(e.begin == at, "{}: tensor '{}' begins at byte {}, expected {}", file, e.name, e.begin, at);
    at = e.end;
  }
  check(at == data_size, "{}: tensors end at byte {}, the file has {}: it is truncated or damaged", file, at,
        data_size);
}

}  // namespace

SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  check_readable(path);
  const std::string name = path.string();
  std::ifstream in(path, std::ios::binary);
  const Header header = read_header(in, path);
  SafetensorsFile file;
  file.metadata = metadata_of(header, name);
  std::vector<Extent> extents;
  for (const auto& [key, entry] : header.entries.items()) {
    if (key == "__metadata__") continue;
    const std::string where = name + ": tensor '" + key + "'";
    StoredTensor tensor;
    std::vector<std::uint64_t> offsets;
    try {
      tensor.dtype = entry.at("dtype");
      for (const json& n : entry.at("shape")) {
        check(n.is_number_integer(), "{}: shape is not made of integers", where);
        tensor.shape.push_back(n);
      }
      for (const json& n : entry.at("data_offsets")) {
        check(n.is_number_unsigned(), "{}: data_offsets are not made of positive integers", where);
        offsets.push_back(n);
      }
    } catch (const json::exception& e) {
      throw InvalidInput(fmt::format("{}: {}", where, e.what()));
    }
    check(offsets.size() == 2 && offsets[0] <= offsets[1] && offsets[1] <= header.data_size,
          "{}: its bytes lie outside the file: it is truncated or damaged", where);
    const std::uint64_t bytes = bytes_of(tensor.shape, size_of(tensor.dtype, where), where);
    check(bytes == offsets[1] - offsets[0], "{}: {} bytes for a shape of {}", where, offsets[1] - offsets[0],
          bytes);
    extents.push_back({offsets[0], offsets[1], key});
    file.tensors[key] = std::move(tensor);
  }
  check_extents(extents, header.data_size,
                name);  // before reading: overlaps could ask for any amount of memory
  for (const Extent& extent : extents) {
    StoredTensor& tensor = file.tensors[extent.name];
    const std::uint64_t bytes = extent.end - extent.begin;
    tensor.bytes.resize(bytes);
    in.seekg(static_cast<std::streamoff>(header.data_begin + extent.begin));
    in.read(tensor.bytes.data(), static_cast<std::streamsize>(bytes));
    check(in.good(), "{}: tensor '{}' cannot be read", name, extent.name);
  }
  return file;
}

void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& file) {
  json header = json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t at = 0;
  for (const auto& [name, tensor] : file.tensors) {
    header[name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.bytes.size()}}};
    at += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // data starts at a multiple of 8
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    char length[kLengthBytes];
    for (std::size_t b = 0; b < kLengthBytes; ++b)
      length[b] = static_cast<char>(text.size() >> (8 * b) & 0xff);
    out.write(length, kLengthBytes);
    out << text;
    for (const auto& [name, tensor] : file.tensors) {
      out.write(tensor.bytes.data(), static_cast<std::streamsize>(tensor.bytes.size()));
    }
    out.close();
    if (!out) throw RunFailed(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  });
}

}  // namespace mano
