#pragma once
// An array of a multigrid level, with zeros around it. Private to solver/.

#include <cstddef>
#include <vector>

namespace mano {

/// `rows` rows of `stride` points, `margin` more of them on each side and one more point in front. Fresh memory is zero; that of an array of
/// the same shape is used again, and what is outside the grid is zero still.
template <typename T>
class Padded {
 public:
  T* reserve(std::ptrdiff_t stride, std::ptrdiff_t rows, std::ptrdiff_t margin = 1) {
    if (stride != stride_ || rows != rows_ || margin != margin_) {
      stride_ = stride;
      rows_ = rows;
      margin_ = margin;
      values_.assign(static_cast<std::size_t>(stride) * (rows + 2 * margin), T(0));
    }
    return values_.data() + margin * stride + 1;
  }

 private:
  std::ptrdiff_t stride_ = 0;
  std::ptrdiff_t rows_ = 0;
  std::ptrdiff_t margin_ = 0;
  std::vector<T> values_;
};

}  // namespace mano
