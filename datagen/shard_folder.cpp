#include "datagen/shard_folder.hpp"

#include <algorithm>
#include <fstream>

#include "core/error.hpp"
#include "datagen/content_hash.hpp"

namespace mano {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* kLock = "lock";

// A file that a generation puts into its folder, or a temporary of one (core/files.cpp).
bool is_ours(const fs::directory_entry& entry) {
  std::string name = entry.path().filename().string();
  if (name.starts_with(".")) {
    if (name.find(".tmp") == std::string::npos && name.find(".probe.") == std::string::npos) return false;
    name.erase(0, 1);
  }
  const bool named = name == kLock || name.starts_with("configuration.") || name.starts_with("shard-") ||
                     name.starts_with("manifest-");
  return named && entry.is_regular_file();
}

// {"shard": number, "hashes": [one a file]}: what damaged or edited manifests hold besides does not count.
bool is_entry(const json& line, const GenerateRequest& request) {
  if (!line.is_object() || !line.contains("shard") || !line.contains("hashes")) return false;
  const json& shard = line["shard"];
  const json& hashes = line["hashes"];
  return shard.is_number_unsigned() && shard.get<std::size_t>() < shard_count(request) && hashes.is_array() &&
         hashes.size() == request.grids.size();
}

}  // namespace

fs::path shard_folder(const GenerateRequest& request) {
  return request.output.string() + ".part";
}

fs::path removing_folder(const GenerateRequest& request) {
  return shard_folder(request).string() + ".removing";
}

fs::path shard_path(const GenerateRequest& request, std::size_t shard, std::size_t grid) {
  return shard_folder(request) / fmt::format("shard-{:06}-{}.h5", shard, request.grids[grid].resolution());
}

std::size_t shard_count(const GenerateRequest& request) {
  const std::size_t size = shard_size(request);
  return (request.samples + size - 1) / size;
}

std::size_t samples_in(const GenerateRequest& request, std::size_t shard) {
  const std::size_t size = shard_size(request);
  return std::min(size, request.samples - shard * size);
}

void check_ours(const fs::path& folder) {
  if (!fs::exists(fs::symlink_status(folder))) return;
  check(fs::is_directory(folder), "{} is in the way: it must be a folder or absent", folder.string());
  bool locked = false;  // our own configuration never comes before the lock
  bool configured = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    check(is_ours(entry), "{} is in the way: no generation put {} there; move it, or choose another name",
          folder.string(), name);
    locked = locked || name == kLock;
    configured = configured || name == "configuration.json";
  }
  check(locked || !configured, "{} is in the way: it is no folder of a generation; choose another name",
        folder.string());
}

bool holds_shards(const fs::path& folder) {
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(),
                     [](const fs::directory_entry& entry) {
                       return entry.path().filename().string().starts_with("shard-");
                     });
}

void empty_of_ours(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_ours(entry) && entry.path().filename() != kLock) fs::remove(entry.path());
  }
}

bool remove_ours(const fs::path& folder) {
  if (!fs::exists(folder)) return false;
  empty_of_ours(folder);
  fs::remove(folder / kLock);
  std::error_code not_empty;  // somebody put something there meanwhile: it stays
  fs::remove(folder, not_empty);
  return true;
}

void remove_temporaries(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_ours(entry) && entry.path().filename().string().starts_with(".")) fs::remove(entry.path());
  }
}

const std::map<std::size_t, json>& Manifests::shards() {
  for (const auto& entry : fs::directory_iterator(shard_folder(request_))) {
    if (entry.path().extension() == ".jsonl") read(entry.path());
  }
  return shards_;
}

// A line that has no end yet is read again the next time; one that a kill cut off does not count.
void Manifests::read(const fs::path& path) {
  std::streamoff& position = positions_[path.string()];
  std::ifstream in(path);
  in.seekg(position);
  for (std::string line; std::getline(in, line) && !in.eof();) {
    position += static_cast<std::streamoff>(line.size()) + 1;
    const json parsed = json::parse(line, nullptr, false);
    if (is_entry(parsed, request_)) shards_[parsed["shard"]] = parsed;
  }
}

bool intact(const GenerateRequest& request, std::size_t shard, const json& line) {
  for (std::size_t g = 0; g < request.grids.size(); ++g) {
    const fs::path path = shard_path(request, shard, g);
    if (!fs::exists(path) || file_hash(path) != line.at("hashes").at(g)) return false;
  }
  return true;
}

}  // namespace mano
