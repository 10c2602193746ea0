#pragma once
// How much memory tensors take. Private to surrogate/.

#include <cstdint>

namespace mano {

/// Counts the allocations of all threads on one device from its construction on; one at a time.
class TensorMemory {
 public:
  explicit TensorMemory(bool on_gpu = false);

  /// Bytes at once, at most, beyond what was there at the beginning.
  std::int64_t peak() const;

 private:
  bool on_gpu_ = false;
  std::int64_t start_ = 0;
};

/// Of the GPU that this process works on.
std::size_t free_bytes_of_gpu();

}  // namespace mano
