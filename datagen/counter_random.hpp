#pragma once
// Random numbers as a pure function of (seed, stream, sample, a, b): no state, so that any sample can be drawn alone, on
// any rank, in any order. Philox4x64-10 of Random123 (J. Salmon et al., SC11, doi:10.1145/2063384.2063405).

#include <Random123/philox.h>

#include <Random123/boxmuller.hpp>
#include <Random123/uniform.hpp>
#include <cstdint>
#include <utility>

#include "core/host_device.hpp"

namespace mano {

/// The purposes that random numbers are drawn for: fields of different kinds share none.
enum RandomStream : std::uint64_t {
  kNeumannStream = 1,
  kMaternStream = 2,
  kLayerStream = 3,
  kChannelStream = 4,
  kVolumeNeumannStream = 5,
  kVolumeMaternStream = 6,
  kWellStream = 7
};

/// One stream of random numbers: a seed of the user, and a number for the purpose, so that fields do not share draws.
class CounterRandom {
 public:
  MANO_BOTH CounterRandom(std::uint64_t seed, std::uint64_t stream, std::uint64_t sample)
      : key_{{seed, stream}}, sample_(sample) {}

  /// Two independent standard normal numbers for the index (a, b).
  MANO_BOTH std::pair<double, double> normal_pair(std::int64_t a, std::int64_t b = 0) const {
    const auto bits = draw(a, b);
    const auto pair = r123::boxmuller(bits[0], bits[1]);
    return {pair.x, pair.y};
  }
  MANO_BOTH double normal(std::int64_t a, std::int64_t b = 0) const {
#ifdef __CUDA_ARCH__
    const auto bits = draw(a, b);  // the same without the other number's cosine
    return sinpi(r123::uneg11<double>(bits[0])) * sqrt(-2.0 * log(r123::u01<double>(bits[1])));
#else
    return normal_pair(a, b).first;
#endif
  }

  /// Uniform in (0, 1].
  MANO_BOTH double uniform(std::int64_t a, std::int64_t b = 0) const {
    return r123::u01<double>(draw(a, b)[2]);
  }

  /// Four words for the index (a, b, c). The numbers above are made of those of c = 0.
  MANO_BOTH r123::Philox4x64::ctr_type bits(std::int64_t a, std::int64_t b, std::int64_t c) const {
    return r123::Philox4x64{}({{sample_, static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b),
                                static_cast<std::uint64_t>(c)}},
                              key_);
  }

 private:
  MANO_BOTH r123::Philox4x64::ctr_type draw(std::int64_t a, std::int64_t b) const {
    return bits(a, b, 0);
  }

  r123::Philox4x64::key_type key_;
  std::uint64_t sample_;
};

}  // namespace mano
