#pragma once
// How much memory tensors on the CPU take. Private to surrogate/.

#include <cstdint>

namespace mano {

/// Counts the allocations of all threads from its construction on; one at a time.
class TensorMemory {
 public:
  TensorMemory();

  /// Bytes at once, at most, beyond what was there at the beginning.
  std::int64_t peak() const;

 private:
  std::int64_t start_ = 0;
};

}  // namespace mano
