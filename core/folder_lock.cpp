#include "core/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace mano {

namespace fs = std::filesystem;

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FolderLock::take(const fs::path& folder, const fs::path& output, const std::string& command) {
  open(folder);
  check(::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
        "another '{}' is at work on {}: wait for it, or choose another name", command, output.string());
  ::flock(descriptor_, LOCK_SH);  // from now on other processes of this run may hold it too
}

void FolderLock::share(const fs::path& folder) {
  open(folder);
  ::flock(descriptor_, LOCK_SH);
}

void FolderLock::open(const fs::path& folder) {
  const fs::path path = folder / "lock";
  descriptor_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  check(descriptor_ >= 0, "cannot write {}: {}", path.string(), std::strerror(errno));
}

}  // namespace mano
