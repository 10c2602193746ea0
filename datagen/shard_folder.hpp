#pragma once
// Private to the generator: the folder NAME.h5.part, what it may hold, and which shards in it are finished.

#include <cstddef>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "datagen/generator.hpp"

namespace mano {

std::filesystem::path shard_folder(const GenerateRequest& request);
/// Its name while it is emptied.
std::filesystem::path removing_folder(const GenerateRequest& request);
std::filesystem::path shard_path(const GenerateRequest& request, std::size_t shard, std::size_t grid);

std::size_t shard_count(const GenerateRequest& request);
std::size_t samples_in(const GenerateRequest& request, std::size_t shard);

/// Throws InvalidInput unless `folder` is absent, or a folder in which everything bears a name that a generation gives.
void check_ours(const std::filesystem::path& folder);

/// Whether a shard was finished there, of whatever request.
bool holds_shards(const std::filesystem::path& folder);

/// Removes what a generation put there, but for the lock.
void empty_of_ours(const std::filesystem::path& folder);

/// Removes what a generation put there, and the folder, where nothing is left in it; whether it was there.
bool remove_ours(const std::filesystem::path& folder);

/// Temporaries that a kill left in the folder of shards.
void remove_temporaries(const std::filesystem::path& folder);

/// Finished shards by number, from the manifests of all ranks that ever took part. Each look reads only what was appended
/// since the last one.
class Manifests {
 public:
  explicit Manifests(const GenerateRequest& request) : request_(request) {}
  const std::map<std::size_t, nlohmann::json>& shards();

 private:
  void read(const std::filesystem::path& path);

  const GenerateRequest& request_;
  std::map<std::string, std::streamoff> positions_;
  std::map<std::size_t, nlohmann::json> shards_;
};

/// Whether the files of a shard are those that its line in a manifest tells of.
bool intact(const GenerateRequest& request, std::size_t shard, const nlohmann::json& line);

}  // namespace mano
