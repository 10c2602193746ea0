#pragma once
// What the fuzz targets share. Each gives libFuzzer's bytes to a reader of files from elsewhere: it may read them or throw InvalidInput.
// A crash, another exception, five seconds for one input and more memory than kMemory are findings.
//
//   scripts/fuzz          every target for 30 seconds
//   scripts/fuzz 600      for ten minutes
//   build/fuzz/fuzz_grdecl build/fuzz/findings/grdecl/crash-...    one finding again

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/error.hpp"

namespace mano::fuzz {

inline constexpr std::size_t kMemory = 256'000'000;

/// A file in the folder for temporary ones, which scripts/fuzz puts into memory.
class InputFile {
 public:
  explicit InputFile(const char* name) : path_(std::filesystem::temp_directory_path() / name) {}
  const std::filesystem::path& path() const { return path_; }

  void write(const std::uint8_t* data, std::size_t size) const {
    std::ofstream out(path_, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  }

 private:
  std::filesystem::path path_;
};

/// Readers ask how much memory there is before they take it: a limit on top of what the sanitizers have mapped.
inline void limit_memory() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t bytes = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) + kMemory;
  const rlimit limit{bytes, bytes};
  if (::setrlimit(RLIMIT_AS, &limit) != 0) std::abort();
}

/// Calls a reader. InvalidInput is what it should throw of a bad file; its message must say something.
template <typename Reader>
void expect_read_or_refused(Reader&& reader) {
  try {
    reader();
  } catch (const InvalidInput& e) {
    if (*e.what() == '\0') std::abort();
  }
}

}  // namespace mano::fuzz
