#pragma once
// The one error family of mano. Libraries throw it and never print or exit; only main() catches it.
// what() is one line: what, where, the value received, what to do.

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace mano {

class Error : public std::runtime_error {
 public:
  Error(int exit_status, const std::string& message)
      : std::runtime_error(message), exit_status_(exit_status) {}
  int exit_status() const { return exit_status_; }

 private:
  int exit_status_;
};

/// The user's input cannot be used: exit status 2.
struct InvalidInput : Error {
  explicit InvalidInput(const std::string& message) : Error(2, message) {}
};

/// A part that was not built was asked for: exit status 2.
struct MissingPart : Error {
  explicit MissingPart(const std::string& message) : Error(2, message) {}
};

/// The run itself failed (did not converge, NaN, write error): exit status 1.
struct RunFailed : Error {
  explicit RunFailed(const std::string& message) : Error(1, message) {}
};

/// A file cannot be written, for the reason that what() tells; who knows its name adds that (core/files.hpp).
struct WriteFailed : RunFailed {
  using RunFailed::RunFailed;
};

/// A signal asked the run to stop: exit status 128 + signal, 130 for Ctrl-C.
struct Interrupted : Error {
  Interrupted(int signal, const std::string& message) : Error(128 + signal, message) {}
};

/// Throws InvalidInput with the formatted message unless `condition` holds; stays on in release builds.
template <typename... Args>
void check(bool condition, fmt::format_string<Args...> message, Args&&... args) {
  if (!condition) throw InvalidInput(fmt::format(message, std::forward<Args>(args)...));
}

}  // namespace mano
