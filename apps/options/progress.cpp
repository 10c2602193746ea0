#include "apps/options/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "apps/options/command_line.hpp"

namespace mano {

namespace {

constexpr double kSecondsBetweenBars = 0.1;
constexpr double kSecondsBetweenLines = 10.0;

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const long whole = std::lround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

Progress::Progress(std::string what, std::string unit, std::size_t total)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) != 0),
      silent_(launched_rank() != 0),
      printed_(Clock::now()) {}

Progress::~Progress() {
  clear();
}

void Progress::clear() {
  if (terminal_ && started_ && !silent_) fmt::print(stderr, "\r\033[K");
}

std::string Progress::line(std::size_t done, const std::string& note,
                           std::optional<double> seconds_left) const {
  std::string pace;
  if (done > first_) {
    const double rate = static_cast<double>(done - first_) / since(begun_);
    const double by_rate = static_cast<double>(total_ - done) / rate;
    const bool on_time = seconds_left && *seconds_left < by_rate;
    pace = fmt::format(", {:.3g} {}/s, {} left{}", rate, unit_,
                       duration_text(on_time ? std::max(0.0, *seconds_left) : by_rate),
                       on_time ? " until it stops on time" : "");
  }
  return fmt::format("{}: {}/{} {}{}{}", what_, done, total_, unit_, pace, note.empty() ? "" : ", " + note);
}

void Progress::update(std::size_t done, const std::string& note, std::optional<double> seconds_left) {
  if (silent_) return;
  if (!started_) {
    started_ = true;
    first_ = done;  // of an earlier run, or of a batch: how long those took is not known
    begun_ = Clock::now();
  }
  if (since(printed_) < (terminal_ ? kSecondsBetweenBars : kSecondsBetweenLines)) return;
  printed_ = Clock::now();
  if (terminal_) {
    constexpr std::size_t kWidth = 24;
    const std::size_t full = total_ > 0 ? done * kWidth / total_ : kWidth;
    fmt::print(stderr, "\r\033[K[{:#<{}}{:.<{}}] {}", "", full, "", kWidth - full,
               line(done, note, seconds_left));
  } else {
    fmt::print(stderr, "{}\n", line(done, note, seconds_left));
  }
}

}  // namespace mano
