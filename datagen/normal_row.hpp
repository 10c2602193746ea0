#pragma once
// Many standard normal numbers at once. Private to datagen/.

#include <cstddef>
#include <cstdint>

#include "datagen/counter_random.hpp"

namespace mano {

/// The first `count` independent standard normal numbers of the row (a, b) of a stream, to `numbers`, which has room for an even number: by
/// Box and Muller's sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v) from the four words of CounterRandom::bits(a, b, q), q = 0, 1, ... The logarithm,
/// sine and cosine are polynomials, four to five times as fast as the library's and the same on every processor of a kind.
void draw_normal_row(const CounterRandom& random, std::int64_t a, std::int64_t b, std::size_t count,
                     double* numbers);

}  // namespace mano
