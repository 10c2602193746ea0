#include "apps/workflow/unlike_training.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace mano {

void UnlikeTraining::add(const std::optional<std::vector<std::string>>& in_what, std::uint64_t number) {
  ++samples_;
  if (!in_what || in_what->empty()) return;
  if (count_++ == 0) first_ = fmt::format("sample {}: {}", number, fmt::join(*in_what, ", "));
}

std::string UnlikeTraining::caution() const {
  if (count_ == 0) return "";
  return fmt::format("caution: {} of {} samples {} unlike the training data; the first, {}", count_, samples_,
                     count_ == 1 ? "is" : "are", first_);
}

}  // namespace mano
