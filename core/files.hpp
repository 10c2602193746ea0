#pragma once
// Files that appear whole or not at all, and the machine's memory.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace mano {

/// Writes `path` through a temporary file beside it: `write(temporary)`, fsync, rename, fsync of the folder.
/// When `write` throws, the temporary is removed and an older `path` stays as it was.
/// Throws InvalidInput where the folder is missing or cannot be written, RunFailed where syncing or renaming fails.
void write_atomically(const std::filesystem::path& path,
                      const std::function<void(const std::filesystem::path& temporary)>& write);

/// The same for text.
void write_text_atomically(const std::filesystem::path& path, std::string_view text);

/// Throws InvalidInput unless a file could be created at `path`: call it before long work.
void check_writable(const std::filesystem::path& path);

/// Throws InvalidInput unless `path` is a readable regular file.
void check_readable(const std::filesystem::path& path);

std::string read_text(const std::filesystem::path& path);

void sync_file(const std::filesystem::path& path);
void sync_folder(const std::filesystem::path& folder);

/// Bytes of memory that can still be had (MemAvailable), within the container's limit.
std::size_t available_memory();

/// Throws InvalidInput where `bytes` exceed the available memory; `what` names the need.
void check_memory(double bytes, const std::string& what);

}  // namespace mano
