#include "core/files.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "core/error.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Errors name `shown`: of a temporary, the file that it is to become.
void sync(const fs::path& path, int flags, const fs::path& shown) {
  const int descriptor = ::open(path.c_str(), flags);
  const int result = descriptor < 0 ? -1 : ::fsync(descriptor);
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (result != 0) throw RunFailed(fmt::format("cannot write {}: {}", shown.string(), std::strerror(error)));
}

}  // namespace

void sync_file(const fs::path& path) {
  sync(path, O_RDONLY, path);
}

void sync_folder(const fs::path& folder) {
  sync(folder, O_RDONLY | O_DIRECTORY, folder);
}

void check_writable(const fs::path& path) {
  const fs::path folder = folder_of(path);
  check(fs::is_directory(folder), "cannot write {}: the folder {} does not exist", path.string(),
        folder.string());
  check(!fs::is_directory(path), "cannot write {}: it is a folder", path.string());
  check(!fs::exists(path) || fs::is_regular_file(path), "cannot write {}: it is no regular file",
        path.string());
  // Creating a file is the only test that holds for root, read-only mounts and quotas alike.
  const fs::path probe = folder / fmt::format(".{}.probe.{}", path.filename().string(), ::getpid());
  const int descriptor = ::open(probe.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
  check(descriptor >= 0, "cannot write {}: {}", path.string(), std::strerror(errno));
  ::close(descriptor);
  ::unlink(probe.c_str());
}

void check_readable(const fs::path& path) {
  std::error_code error;
  check(fs::exists(path, error), "no such file: {}", path.string());
  check(!fs::is_directory(path), "{} is a folder, expected a file", path.string());
  check(::access(path.c_str(), R_OK) == 0, "cannot read {}: {}", path.string(), std::strerror(errno));
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  check_writable(path_);
  temporary_ = folder_of(path_) /
               fmt::format(".{}.{}.tmp{}", path_.stem().string(), ::getpid(), path_.extension().string());
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}

AtomicFile::~AtomicFile() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  sync(temporary_, O_RDONLY, path_);
  std::error_code error;
  fs::rename(temporary_, path_, error);
  if (error) throw RunFailed(fmt::format("cannot write {}: {}", path_.string(), error.message()));
  temporary_.clear();
  sync(folder_of(path_), O_RDONLY | O_DIRECTORY, path_);
}

void write_atomically(const fs::path& path, const std::function<void(const fs::path&)>& write) {
  AtomicFile file(path);
  try {
    write(file.temporary());
  } catch (const fs::filesystem_error& e) {
    throw RunFailed(fmt::format("cannot write {}: {}", path.string(), e.code().message()));
  } catch (const WriteFailed& e) {
    throw RunFailed(fmt::format("cannot write {}: {}", path.string(), e.what()));
  }
  file.commit();
}

namespace {

// Removes files in a folder that are called PREFIX, a number of a process, SUFFIX.
void remove_of_processes(const fs::path& folder, const std::string& prefix, const std::string& suffix) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix))
      continue;
    const std::string process = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    if (process.find_first_not_of("0123456789") == std::string::npos) fs::remove(entry.path());
  }
}

}  // namespace

void remove_temporaries_of(const fs::path& path) {
  remove_of_processes(folder_of(path), "." + path.stem().string() + ".", ".tmp" + path.extension().string());
  remove_of_processes(folder_of(path), "." + path.filename().string() + ".probe.", "");
}

void write_text_atomically(const fs::path& path, std::string_view text) {
  write_atomically(path, [&](const fs::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    out << text;
    out.close();
    if (!out) throw RunFailed(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  });
}

std::string read_text(const fs::path& path) {
  check_readable(path);
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::size_t available_memory() {
  std::size_t available = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    if (line.rfind("MemAvailable:", 0) == 0) available = std::stoull(line.substr(13)) * 1024;
  }
  std::ifstream limit_file("/sys/fs/cgroup/memory.max");  // "max" where there is no limit
  std::ifstream used_file("/sys/fs/cgroup/memory.current");
  std::size_t limit = 0;
  std::size_t used = 0;
  std::size_t cached = 0;
  std::ifstream statistics("/sys/fs/cgroup/memory.stat");  // cached file pages count as used, but can be had
  for (std::string line; std::getline(statistics, line);) {
    if (line.rfind("inactive_file ", 0) == 0) cached = std::stoull(line.substr(14));
  }
  if (limit_file >> limit && used_file >> used)
    available = std::min(available, limit + cached > used ? limit + cached - used : 0);
  // A limit on the address space, less what is mapped already.
  rlimit address_space{};
  std::ifstream mapped_file("/proc/self/statm");
  std::size_t mapped = 0;
  if (::getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY &&
      mapped_file >> mapped) {
    mapped *= static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    available = std::min(available, address_space.rlim_cur > mapped ? address_space.rlim_cur - mapped : 0);
  }
  return available;
}

void check_memory(double bytes, const std::string& what) {
  const double available = static_cast<double>(available_memory());
  check(bytes <= available, "{} needs about {:.3g} GB of memory, {:.3g} GB are free: ask for less", what,
        bytes / 1e9, available / 1e9);
}

}  // namespace mano
