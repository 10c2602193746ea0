#pragma once
// Shape of a MANO (arXiv 2507.02748). Dimension letters, used throughout surrogate/:
//   B batch, H height (rows, y), W width (columns, x), C channels = dim, h heads, d dim_head, K window, S stride, L levels
// Tokens are stored [B, H, W, C], channels last.

#include <optional>
#include <string>

namespace mano {

struct Architecture {
  enum class Sampling {
    conv,
    avg_pool
  };  ///< learned (transposed) convolution, or average pooling and nearest

  int channels_in = 3;  ///< ln k, x, y
  int channels_out = 1;
  int dim = 32;
  int depth = 4;
  int heads = 4;
  int dim_head = 8;
  int mlp = 64;
  int window = 2;
  int stride = 1;
  int rate = 2;
  Sampling sampling = Sampling::conv;
  std::optional<int> levels;  ///< empty: from the size of the input at every call

  /// The output map is left out where it would be the identity: heads = 1 and dim_head = dim.
  bool has_output_map() const { return !(heads == 1 && dim_head == dim); }

  /// Levels for an H x W input: floor(log_rate(min(H, W))), at most as many as keep the coarsest at least one window
  /// wide. Throws InvalidInput where not even the input holds a window.
  int levels_for(int height, int width) const;

  bool operator==(const Architecture&) const = default;
};

/// "small" (68,000 parameters) or "paper". Throws InvalidInput for another name.
Architecture architecture_preset(const std::string& name);

/// Throws InvalidInput where a number is out of range.
void check_architecture(const Architecture& architecture);

std::string to_json(const Architecture& architecture);
Architecture architecture_from_json(const std::string& json);  ///< Throws InvalidInput.

}  // namespace mano
