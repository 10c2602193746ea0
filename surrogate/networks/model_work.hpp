#pragma once
// Arithmetic and memory traffic of a MANO, counted from its shape. No Torch here.

#include <cstddef>

#include "surrogate/networks/architecture.hpp"

namespace mano {

/// Tokens of all levels but the finest, of one image.
double coarse_tokens(const Architecture& architecture, int height, int width);

/// Work of the model for one image.
struct ModelWork {
  double forward_macs =
      0.0;  ///< multiply-adds of its products and convolutions; a training step takes three times as many
  double forward_bytes = 0.0;  ///< that must cross the memory bus at least: x of every block written and read
  double step_bytes =
      0.0;  ///< the same of a training step: what the backward pass needs, written and read, besides
};
ModelWork model_work(const Architecture& architecture, int height, int width, std::size_t operand_size);

}  // namespace mano
