#pragma once
// One run at a time in a folder.

#include <filesystem>
#include <string>

namespace mano {

/// Held by a run that works on a folder for as long as the object lives; released by the system when the process dies.
class FolderLock {
 public:
  FolderLock() = default;
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// The first process of a run, by the file `lock` in the folder. Throws InvalidInput where any process of another run still holds it,
  /// even of one that has lost its first; the line names `command` and what that run makes, `output`.
  void take(const std::filesystem::path& folder, const std::filesystem::path& output,
            const std::string& command);
  /// Other processes of the same run, after it.
  void share(const std::filesystem::path& folder);

 private:
  void open(const std::filesystem::path& folder);
  int descriptor_ = -1;
};

}  // namespace mano
