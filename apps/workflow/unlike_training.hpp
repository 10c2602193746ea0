#pragma once
// Samples that are unlike those of training: what a command says of them at its end.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mano {

class UnlikeTraining {
 public:
  /// In what a sample is unlike those of training: nothing where the model does not know.
  void add(const std::optional<std::vector<std::string>>& in_what, std::uint64_t number);
  std::size_t count() const { return count_; }
  /// "caution: 2 of 8 samples are unlike the training data; the first, sample 3: ...", empty where none is.
  std::string caution() const;

 private:
  std::size_t count_ = 0, samples_ = 0;
  std::string first_;
};

}  // namespace mano
