#pragma once
// A vertical well at a place of the domain, the same on every grid: what a dataset stores of each sample's own wells.

#include <array>
#include <limits>

namespace mano {

/// Either a rate or a pressure is given; the other is not a number. Open in all layers of a volume.
struct PlacedWell {
  static constexpr double kNotGiven = std::numeric_limits<double>::quiet_NaN();

  double x = 0.0;  ///< in the coordinates of the grid's origin
  double y = 0.0;
  double rate = kNotGiven;      ///< into the rock
  double pressure = kNotGiven;  ///< in the bore
  double radius = 0.0;          ///< of the bore; 0 for a rate whose well pressure nobody asks for

  bool has_rate() const { return rate == rate; }

  /// As files and arrays hold it: x, y, rate, pressure, radius.
  using Numbers = std::array<double, 5>;
  Numbers numbers() const { return {x, y, rate, pressure, radius}; }
  static PlacedWell of(const Numbers& n) { return {n[0], n[1], n[2], n[3], n[4]}; }
};

}  // namespace mano
