#pragma once
// Loops over the rows of tokens of all images, shared among Torch's threads. Private to surrogate/.

#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstdint>

namespace mano {

/// Memory of one thread, used again from piece to piece; what is in it at first is undefined.
template <typename T>
class Buffer {
 public:
  T* get(std::int64_t count) {
    if (count > count_) {
      memory_ = c10::GetCPUAllocator()->allocate(static_cast<std::size_t>(count) * sizeof(T));
      count_ = count;
    }
    return static_cast<T*>(memory_.get());
  }

 private:
  c10::DataPtr memory_;
  std::int64_t count_ = 0;
};

/// Tokens that are taken through a chain of operations at once: few enough for the chain to stay in a core's cache.
inline constexpr std::int64_t kPieceTokens = 512;

/// Splits `rows` among the threads, a range each, and these into pieces: body(memory, first, last, begins), where `begins` tells
/// the first piece of a thread. Memory is a struct of buffers.
template <typename Memory, typename Body>
void for_pieces(std::int64_t rows, std::int64_t tokens_per_row, const Body& body) {
  const std::int64_t grain = std::max<std::int64_t>(1, 64 / tokens_per_row);
  const std::int64_t step = std::max<std::int64_t>(1, kPieceTokens / tokens_per_row);
  at::parallel_for(0, rows, grain, [&](std::int64_t begin, std::int64_t end) {
    Memory memory;
    for (std::int64_t first = begin; first < end; first += step)
      body(memory, first, std::min(end, first + step), first == begin);
  });
}

/// visit(image, begin, end) for the images, `height` rows each, that rows [first, last) belong to.
template <typename Visit>
void for_images(int height, std::int64_t first, std::int64_t last, Visit visit) {
  while (first < last) {
    const std::int64_t image = first / height;
    const std::int64_t end = std::min(last, (image + 1) * height);
    visit(static_cast<int>(image), static_cast<int>(first - image * height),
          static_cast<int>(end - image * height));
    first = end;
  }
}

}  // namespace mano
