#pragma once
// Samples of one random field on several grids of a domain at once, from one draw of its random numbers, as multilevel methods need them.
//
// On a target grid that is not `resolved` the field is that of draw_field(), but for rounding. On one that is, modes that the grid
// cannot show (at or above its Nyquist frequency) are left out instead of being taken for others: of log k and of the Gaussian below a
// two-phase field. Coarse grids so cost what they resolve, and what a coarse grid lacks of a finer one is small: A. L. Teckentrup,
// R. Scheichl, M. B. Giles, E. Ullmann, Numer. Math. 125 (2013), section 4.1, level-dependent truncation. Layers and channels are few
// numbers and drawn as draw_field() draws them.

#include <cstdint>
#include <memory>
#include <vector>

#include "datagen/random_field.hpp"

namespace mano {

class FieldSampler {
 public:
  struct Target {
    Grid grid;
    bool resolved = false;
  };
  /// Throws InvalidInput as check_field_spec() does, and for grids of different domains, and for volumes.
  FieldSampler(const FieldSpec& spec, std::uint64_t seed, std::vector<Target> targets);
  ~FieldSampler();
  FieldSampler(FieldSampler&&) noexcept;

  /// Permeabilities of sample `sample`, one a target; the next draw overwrites them.
  const std::vector<Field>& draw(std::uint64_t sample);

  /// Random numbers and points of transforms that a draw takes.
  double work() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
