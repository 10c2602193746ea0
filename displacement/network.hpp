#pragma once
// Cells, the faces that join them, and what flows through each: all that transport knows of a grid, in any number of dimensions.

#include <cstdint>
#include <vector>

namespace mano {

/// Two cells that share a face. A flow through it is positive from `first` to `second`.
struct Connection {
  int first = 0;
  int second = 0;
};

/// The faces of cells, listed by cell.
class Connections {
 public:
  Connections(std::size_t cells, std::vector<Connection> faces);

  struct Side {
    int face;
    int neighbour;
    double sign;  ///< +1 where a positive flow through the face leaves the cell
  };
  std::size_t cells() const { return begin_.size() - 1; }
  const std::vector<Connection>& faces() const { return faces_; }
  const Side* begin(std::size_t cell) const { return sides_.data() + begin_[cell]; }
  const Side* end(std::size_t cell) const { return sides_.data() + begin_[cell + 1]; }

 private:
  std::vector<Connection> faces_;
  std::vector<int> begin_;
  std::vector<Side> sides_;
};

/// Flows through faces and to the outside: through sides, wells and sources.
struct Flows {
  std::vector<double> face;  ///< one a face
  std::vector<double> in;    ///< into each cell from outside, not negative
  std::vector<double> out;   ///< out of each cell to the outside, not negative
  double inflow() const;     ///< sum of `in`
  double outflow() const;
  /// (1 - weight) of these and weight of others.
  void mix(double weight, const Flows& other);
};

/// The cells in an order in which each comes after all that flow into it: that of falling pressure, or any other along the flow (J. R.
/// Natvig and K.-A. Lie, J. Comput. Phys. 227 (2008)). Flows that are means of two instants may run in circles; cells from
/// `circles_from` on may then precede some that flow into them.
class UpstreamOrder {
 public:
  UpstreamOrder() = default;
  UpstreamOrder(const Connections& connections, const Flows& flows);
  void take(const Connections& connections, const Flows& flows);  ///< the same anew, in the same memory

  struct Inflow {
    int cell;
    double flow;  ///< above zero
  };
  std::size_t size() const { return order_.size(); }
  int cell(std::size_t place) const { return order_[place]; }
  const Inflow* begin(std::size_t place) const { return inflows_.data() + begin_[place]; }
  const Inflow* end(std::size_t place) const { return inflows_.data() + begin_[place + 1]; }
  /// All that flows into the cell at a place, from outside too.
  double through(std::size_t place) const { return through_[place]; }
  double from_outside(std::size_t place) const { return outside_[place]; }
  std::size_t circles_from() const { return circles_from_; }

 private:
  void append(const Connections& connections, const Flows& flows, int cell);

  std::vector<int> order_, waits_for_;
  std::vector<int> begin_;
  std::vector<Inflow> inflows_;
  std::vector<double> through_, outside_;
  std::size_t circles_from_ = 0;
};

/// Makes flows free of divergence that are so but for the residual of a pressure: along the flow, what leaves each cell is scaled to what
/// enters it. `order` is of these flows, without circles. A cell that nothing leaves keeps what enters it, a rounding error.
void balance(const Connections& connections, const UpstreamOrder& order, Flows& flows);

}  // namespace mano
