#pragma once
// Which samples are trained on, and which are held out. Private to surrogate/.

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace mano {

struct Split {  // sample numbers
  std::vector<std::int64_t> training;
  std::vector<std::int64_t> validation;
  std::size_t at_most = 0;  ///< of the training samples an epoch, others each time; 0: all

  std::size_t epoch_size() const {
    return at_most > 0 ? std::min(at_most, training.size()) : training.size();
  }
};

/// Random numbers of a training for one purpose.
at::Generator generator(std::uint64_t seed, std::uint64_t purpose);

/// 0 ... n - 1 in random order.
std::vector<std::int64_t> permutation(std::size_t n, at::Generator g);

/// Splits files one after another, so that what is held out of one is not trained on in another: not the same rock at another resolution,
/// nor a copy.
class Splitter {
 public:
  /// Holds out the fraction `held_out` of each file, by the same order for all that hold as many.
  Splitter(double held_out, std::uint64_t seed) : held_out_(held_out), seed_(seed) {}

  /// Names of each sample, each unlike those of all other rocks. A sample that shares one with a sample of a file before goes
  /// where that went. At least one sample of the first file is held out, and one trained on; `names` are then at least two.
  Split split(const std::vector<std::vector<std::string>>& names);

 private:
  double held_out_;
  std::uint64_t seed_;
  std::unordered_map<std::string, bool> is_held_out_;
};

}  // namespace mano
