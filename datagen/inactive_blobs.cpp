#include "datagen/inactive_blobs.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "datagen/random_field.hpp"
#include "datagen/volume_gaussian.hpp"

namespace mano {

namespace {

constexpr std::uint64_t kStream =
    0x9e3779b97f4a7c15ULL;  // sets these random numbers apart from a permeability's
constexpr int kAttempts = 64;
constexpr int kReferenceCells = 64;   // along the shorter side; coarser ones have half and a quarter of them
constexpr int kReferenceLayers = 16;  // of a volume; so have these

Field gaussian(std::uint64_t seed, std::uint64_t sample, int attempt, const Grid& grid) {
  FieldSpec spec;
  spec.smoothness = 2.0;
  spec.correlation_length_x = spec.correlation_length_y = 0.15 * std::min(grid.lx, grid.ly);
  spec.correlation_length_z = 0.15 * grid.lz;
  const std::uint64_t own_seed = seed ^ (kStream * (1 + attempt));
  return grid.flat() ? draw_matern_gaussian(spec, own_seed, sample, grid)
                     : draw_volume_matern_gaussian(spec, own_seed, sample, grid);
}

double level_above(double fraction, std::vector<double> values) {
  const auto rank =
      static_cast<std::ptrdiff_t>(std::llround((1 - fraction) * static_cast<double>(values.size())));
  const auto at =
      values.begin() + std::min<std::ptrdiff_t>(rank, static_cast<std::ptrdiff_t>(values.size()) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// One region touches all sides, and holds both corners. The first corner touches half of them.
bool in_one_piece(const CellMask& active) {
  const std::vector<int> region = region_numbers(active, active.grid);
  return region.front() >= 0 && region.front() == region.back();  // the last corner touches the others
}

Grid reference(const Grid& grid, int coarser) {
  const double cell = std::min(grid.lx, grid.ly) * coarser / kReferenceCells;
  Grid reference = grid;
  reference.nx = static_cast<int>(std::lround(grid.lx / cell));
  reference.ny = static_cast<int>(std::lround(grid.ly / cell));
  reference.nz = grid.flat() ? 1 : kReferenceLayers / coarser;
  return reference;
}

CellMask below(const Field& gaussian, double level) {
  CellMask mask{gaussian.grid, std::vector<std::uint8_t>(gaussian.values.size())};
  for (std::size_t c = 0; c < mask.values.size(); ++c) mask.values[c] = gaussian.values[c] < level;
  return mask;
}

// A finer grid's corner cells lie nearer the corner than the reference's: they are as that one. In a volume, their whole columns.
CellMask with_corners(CellMask mask) {
  const Grid& g = mask.grid;
  const double reach = std::min(g.lx, g.ly) / kReferenceCells;
  for (int j = 0; j < g.ny; ++j) {
    for (int i = 0; i < g.nx; ++i) {
      const bool first = g.x(i) < reach && g.y(j) < reach;
      const bool last = g.lx - g.x(i) < reach && g.ly - g.y(j) < reach;
      const bool well = !g.flat() && ((i == 0 && j == 0) || (i == g.nx - 1 && j == g.ny - 1));
      for (int k = 0; k < g.nz && (first || last || well); ++k) mask.values[g.index(i, j, k)] = 1;
    }
  }
  return mask;
}

}  // namespace

CellMask draw_inactive_blobs(double fraction, std::uint64_t seed, std::uint64_t sample, const Grid& grid) {
  check(fraction > 0 && fraction < kMostInactive, "the part of inactive cells is {}; it must lie in (0, {})",
        fraction, kMostInactive);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto drawn = [&](const Grid& on) { return gaussian(seed, sample, attempt, on); };
    const Field finest = drawn(reference(grid, 1));
    const double level = level_above(fraction, finest.values);
    bool whole = in_one_piece(below(finest, level));
    for (const int coarser : {2, 4})  // these close narrow necks
      whole = whole && in_one_piece(below(drawn(reference(grid, coarser)), level));
    if (whole) return with_corners(below(drawn(grid), level));
  }
  throw InvalidInput(
      fmt::format("sample {}: no blobs over a part {} of the domain leave it in one piece in {} attempts: "
                  "ask for a smaller part",
                  sample, fraction, kAttempts));
}

}  // namespace mano
