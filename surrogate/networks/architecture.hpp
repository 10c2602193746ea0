#pragma once
// Shape of a MANO (arXiv 2507.02748) or of one of its rivals (surrogate/networks/rivals.hpp). Dimension letters, used throughout surrogate/:
//   B batch, H height (rows, y), W width (columns, x), C channels = dim, h heads, d dim_head, K window, S stride, L levels
// Tokens are stored [B, H, W, C], channels last.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mano {

// Of U-Net, LIT and TransDepth, dim is the finest level's; every coarser one has twice as many channels. So it is with LIT's heads and
// mlp; TransDepth's are those of its coarsest level.
struct Architecture {
  enum class Sampling {
    conv,
    avg_pool
  };  ///< learned (transposed) convolution, or average pooling and nearest

  enum class Model { mano, fno, vit, swin, unet, xcit, qna, shunted, hlg, reguformer, mat, lit, transdepth };

  Model model = Model::mano;
  int channels_in = 3;  ///< ln k, x, y; 4 with the mask of active cells
  int channels_out = 1;
  int dim = 32;   ///< channels
  int depth = 4;  ///< blocks; of a U-Net the levels below the finest; LIT's third stage has 3 depth
  int heads = 4;
  int dim_head = 8;  ///< MANO; elsewhere channels / heads
  int mlp = 64;      ///< hidden channels of the MLPs
  int window = 2;    ///< window x window tokens attend to each other: MANO, Swin, QnA, MAT
  int patch = 1;     ///< patch x patch points are a token; FNO, U-Net and TransDepth have none
  int modes = 8;     ///< FNO: Fourier modes in each direction
  int stride = 1;    ///< MANO
  int convolutions =
      0;  ///< MANO: 1 adds depthwise 3x3 convolutions to the values and in the MLP (docs/mano.md)
  int point_width =
      0;  ///< MANO and transformers: numbers a point in the head; 0: a linear map of tokens (point_head.hpp)
  int rate = 2;     ///< MANO: from level to level; Shunted: of the coarser keys, twice that of the finer ones
  int queries = 2;  ///< QnA: learned queries a head
  int windows = 4;  ///< HLG: windows along each side of the grid
  int factor = 5;   ///< Reguformer: of N queries factor * ceil(ln N) are kept
  Sampling sampling = Sampling::conv;
  std::optional<int> levels;  ///< empty: from the size of the input at every call

  /// The output map is left out where it would be the identity: heads = 1 and dim_head = dim.
  bool has_output_map() const { return !(heads == 1 && dim_head == dim); }

  /// Tokens along a side of so many points.
  int tokens(int points) const { return (points + patch - 1) / patch; }

  /// Levels for H x W tokens: floor(log_rate(min(H, W))), at most as many as keep the coarsest at least one window
  /// wide. Throws InvalidInput where not even the input holds a window.
  int levels_for(int height, int width) const;

  /// levels_for() would not throw for the tokens of an H x W input.
  bool holds_levels(int height, int width) const;

  bool operator==(const Architecture&) const = default;
};

/// "small" (about 70,000 parameters), "large" (about 600,000); "wide" where there is one (ModelKind::wide); of MANO alone, as published: "small-published", "large-published" (without
/// patches and local convolutions, docs/mano.md), "paper", and "refinement": the small one of the hierarchy
/// (surrogate/multigrid/refinement.hpp). Throws InvalidInput for another name.
Architecture architecture_preset(const std::string& name,
                                 Architecture::Model model = Architecture::Model::mano);

/// The names that architecture_preset() takes for a model, but "refinement".
std::vector<std::string> presets_of(Architecture::Model model);

const char* to_string(Architecture::Model model);          ///< ModelKind::name
Architecture::Model parse_model(const std::string& name);  ///< Throws InvalidInput.

/// Throws InvalidInput where the network cannot take a grid.
void check_grid(const Architecture& architecture, int height, int width);
bool takes_grid(const Architecture& architecture, int height, int width);

/// A lower bound of the number of its parameters.
std::int64_t least_parameters(const Architecture& architecture);

/// Throws InvalidInput where a number is out of range.
void check_architecture(const Architecture& architecture);

std::string to_json(const Architecture& architecture);
Architecture architecture_from_json(const std::string& json);  ///< Throws InvalidInput.

}  // namespace mano
