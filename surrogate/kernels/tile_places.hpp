#pragma once
// Who does what in surrogate/kernels/attention_tile.hpp: which tokens a block and its threads have, and where a token, its halo and
// its coefficients lie in memory.

#include <cstdint>

#include "core/host_device.hpp"
#include "surrogate/kernels/attention_shape.hpp"
#include "surrogate/kernels/tile_numbers.hpp"

namespace mano::tile {

inline constexpr int kWidth = 16;
inline constexpr int kHeight = 8;
inline constexpr int kThreads = kWidth * kHeight;

/// Distance of tokens in shared memory: an odd number of pieces.
template <typename S, int D>
inline constexpr int kSharedStep = D / Piece<S>::kCount % 2 == 0 ? D + Piece<S>::kCount : D;

template <int K>
inline constexpr int kReach = K - 1;
template <int K>
inline constexpr int kHaloWidth = kWidth + 2 * kReach<K>;
template <int K>
inline constexpr int kHaloTokens = kHaloWidth<K>*(kHeight + 2 * kReach<K>);
template <int K>
inline constexpr int kNeighbours = (2 * K - 1) * (2 * K - 1);

/// Two halos of shared memory.
template <typename S, int D, int K>
inline constexpr int kSharedBytes = 2 * kHaloTokens<K>* kSharedStep<S, D>* static_cast<int>(sizeof(S));

/// Which tile of which head a block has; the first token of the tile.
struct Place {
  int image, head, x, y;
};

MANO_BOTH inline std::int64_t block_count(const AttentionShape& s) {
  const std::int64_t tiles_x = (s.width + kWidth - 1) / kWidth;
  const std::int64_t tiles_y = (s.height + kHeight - 1) / kHeight;
  return tiles_x * tiles_y * s.batch * s.heads;
}

/// Heads of one tile follow one another: their tokens are neighbours in memory.
/// Blocks are counted in 32 bits, which a GPU divides in a few instructions; the launch refuses more.
MANO_BOTH inline Place place_of(const AttentionShape& s, std::uint32_t block) {
  const std::uint32_t tiles_x = (s.width + kWidth - 1) / kWidth;
  const std::uint32_t tiles_y = (s.height + kHeight - 1) / kHeight;
  const std::uint32_t heads = s.heads;
  Place p;
  p.head = static_cast<int>(block % heads);
  block /= heads;
  p.x = static_cast<int>(block % tiles_x) * kWidth;
  block /= tiles_x;
  p.y = static_cast<int>(block % tiles_y) * kHeight;
  p.image = static_cast<int>(block / tiles_y);
  return p;
}

struct Token {
  int x, y;
  bool inside;
};

MANO_BOTH inline Token token_of(const AttentionShape& s, const Place& p, int thread) {
  Token t{p.x + thread % kWidth, p.y + thread / kWidth, false};
  t.inside = t.x < s.width && t.y < s.height;
  return t;
}

/// Number of a token among those of all images; an image has fewer than 2^31.
MANO_BOTH inline std::int64_t token_number(const AttentionShape& s, int image, int y, int x) {
  return static_cast<std::int64_t>(image) * (s.height * s.width) + (y * s.width + x);
}

/// The place of the token with its neighbour at (dy, dx) in shared memory, in tokens.
template <int K>
MANO_BOTH inline int halo_index(int thread, int dy, int dx) {
  return (thread / kWidth + kReach<K> + dy) * kHaloWidth<K> + thread % kWidth + kReach<K> + dx;
}

/// Where a token of the halo, its place in shared memory, comes from, unless it lies outside the grid.
struct HaloToken {
  bool inside;
  int number;  ///< among those of the image
};

template <int K>
MANO_BOTH inline HaloToken halo_token(const AttentionShape& s, const Place& p, int token) {
  const int x = p.x - kReach<K> + token % kHaloWidth<K>;
  const int y = p.y - kReach<K> + token / kHaloWidth<K>;
  const bool inside = x >= 0 && x < s.width && y >= 0 && y < s.height;
  return {inside, inside ? y * s.width + x : 0};
}

/// What of the halo a thread brings: one of the `parts` pieces of the tokens first, first + kThreads / parts, ... Neighbouring
/// threads have the parts of one token; eight threads have tokens `parts` apart, whose pieces meet no bank twice.
struct Share {
  int first, part;
};
template <int parts>
MANO_BOTH inline Share share_of(int thread) {
  if (parts >= 8) return {thread / parts, thread % parts};
  const int group = thread / (8 * parts), eight = thread / 8 % parts;
  return {8 * group + eight + thread % 8 / parts * parts, thread % parts};
}

/// Coefficients of one image and head: c of every neighbour, then d_s of every neighbour, a plane [H, W] each.
template <int K>
MANO_BOTH inline std::int64_t plane_offset(const AttentionShape& s, const Place& p, int plane) {
  return (static_cast<std::int64_t>(p.image * s.heads + p.head) * 2 * kNeighbours<K> + plane) *
         (s.height * s.width);
}
template <int K>
MANO_BOTH inline std::int64_t coefficient_count(const AttentionShape& s) {
  return static_cast<std::int64_t>(s.batch) * s.heads * 2 * kNeighbours<K> * s.height * s.width;
}

}  // namespace mano::tile
