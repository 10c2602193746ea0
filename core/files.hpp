#pragma once
// Files that appear whole or not at all, and the machine's memory.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace mano {

/// A file that is written under another name beside `path` and takes its place whole. Without commit() the temporary is
/// removed and an older `path` stays as it was.
class AtomicFile {
 public:
  /// Throws InvalidInput where the folder is missing or cannot be written.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  /// Where to write; the extension is that of the path, since some writers look at it.
  const std::filesystem::path& temporary() const { return temporary_; }
  /// fsync, rename, fsync of the folder. Throws RunFailed.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;  ///< empty when there is nothing left to remove
};

/// The same for one writer: `write(temporary)`, then commit(). A WriteFailed becomes a RunFailed that names `path`.
void write_atomically(const std::filesystem::path& path,
                      const std::function<void(const std::filesystem::path& temporary)>& write);

/// The same for text.
void write_text_atomically(const std::filesystem::path& path, std::string_view text);

/// Removes what killed processes left of AtomicFile and check_writable() beside `path`. No other process may be writing `path`.
void remove_temporaries_of(const std::filesystem::path& path);

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
