#pragma once
// A progress bar on a terminal, plain lines now and then elsewhere; rate and time left in both. On standard error.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace mano {

class Progress {
 public:
  /// `unit` is what is counted, in the plural: "samples".
  Progress(std::string what, std::string unit, std::size_t total);
  ~Progress();
  /// Takes the bar off the terminal, so that a line can be printed in its place.
  void clear();
  /// `seconds_left` bounds the time that is left, where the work stops on time.
  void update(std::size_t done, const std::string& note = "",
              std::optional<double> seconds_left = std::nullopt);

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(std::size_t done, const std::string& note, std::optional<double> seconds_left) const;

  std::string what_, unit_;
  std::size_t total_;
  std::size_t first_ = 0;  // done at the first update
  bool started_ = false;
  bool terminal_;
  bool silent_;
  Clock::time_point begun_, printed_;
};

/// "1 h 02 min", "3 min 20 s", "4.2 s"
std::string duration_text(double seconds);

}  // namespace mano
