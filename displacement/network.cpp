#include "displacement/network.hpp"

#include <cmath>
#include <numeric>

namespace mano {

Connections::Connections(std::size_t cells, std::vector<Connection> faces)
    : faces_(std::move(faces)), begin_(cells + 1, 0), sides_(2 * faces_.size()) {
  for (const Connection& face : faces_) {
    ++begin_[face.first + 1];
    ++begin_[face.second + 1];
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  std::vector<int> next(begin_.begin(), begin_.end() - 1);
  for (std::size_t f = 0; f < faces_.size(); ++f) {
    const auto [a, b] = faces_[f];
    sides_[next[a]++] = {static_cast<int>(f), b, 1.0};
    sides_[next[b]++] = {static_cast<int>(f), a, -1.0};
  }
}

double Flows::inflow() const {
  return std::accumulate(in.begin(), in.end(), 0.0);
}

double Flows::outflow() const {
  return std::accumulate(out.begin(), out.end(), 0.0);
}

void Flows::mix(double weight, const Flows& other) {
  const auto mix = [&](std::vector<double>& own, const std::vector<double>& theirs) {
    for (std::size_t i = 0; i < own.size(); ++i) own[i] += weight * (theirs[i] - own[i]);
  };
  mix(face, other.face);
  mix(in, other.in);
  mix(out, other.out);
}

UpstreamOrder::UpstreamOrder(const Connections& connections, const Flows& flows) {
  take(connections, flows);
}

void UpstreamOrder::append(const Connections& connections, const Flows& flows, int cell) {
  double through = flows.in[cell];
  for (const auto* side = connections.begin(cell); side != connections.end(cell); ++side) {
    const double into = -side->sign * flows.face[side->face];
    if (!(into > 0)) continue;
    inflows_.push_back({side->neighbour, into});
    through += into;
  }
  order_.push_back(cell);
  begin_.push_back(static_cast<int>(inflows_.size()));
  through_.push_back(through);
  outside_.push_back(flows.in[cell]);
}

void UpstreamOrder::take(const Connections& connections, const Flows& flows) {
  const std::size_t cells = connections.cells();
  order_.clear();
  order_.reserve(cells);
  begin_.assign(1, 0);
  begin_.reserve(cells + 1);
  inflows_.clear();
  inflows_.reserve(connections.faces().size());
  through_.clear();
  outside_.clear();
  waits_for_.assign(cells, 0);
  const auto& faces = connections.faces();
  for (std::size_t f = 0; f < faces.size(); ++f) {
    if (flows.face[f] != 0) ++waits_for_[flows.face[f] > 0 ? faces[f].second : faces[f].first];
  }
  circles_from_ = cells;
  constexpr int kTaken = -1;
  const auto start = [&](int cell) {
    waits_for_[cell] = kTaken;
    append(connections, flows, cell);
  };
  for (std::size_t c = 0; c < cells; ++c) {
    if (waits_for_[c] == 0) start(static_cast<int>(c));
  }
  std::size_t place = 0;
  for (std::size_t next = 0; order_.size() < cells || place < order_.size();) {
    for (; place < order_.size(); ++place) {
      const int cell = order_[place];
      for (const auto* side = connections.begin(cell); side != connections.end(cell); ++side) {
        if (side->sign * flows.face[side->face] > 0 && waits_for_[side->neighbour] > 0 &&
            --waits_for_[side->neighbour] == 0)
          start(side->neighbour);
      }
    }
    if (order_.size() == cells) break;
    circles_from_ = std::min(circles_from_, order_.size());
    while (waits_for_[next] == kTaken) ++next;
    start(static_cast<int>(next));
  }
}

void balance(const Connections& connections, const UpstreamOrder& order, Flows& flows) {
  for (std::size_t place = 0; place < order.size(); ++place) {
    const int cell = order.cell(place);
    double in = flows.in[cell];
    double out = flows.out[cell];
    for (const auto* side = connections.begin(cell); side != connections.end(cell); ++side) {
      const double leaving = side->sign * flows.face[side->face];
      (leaving > 0 ? out : in) += std::abs(leaving);
    }
    if (!(out > 0)) continue;
    const double factor = in / out;
    flows.out[cell] *= factor;
    for (const auto* side = connections.begin(cell); side != connections.end(cell); ++side) {
      if (side->sign * flows.face[side->face] > 0) flows.face[side->face] *= factor;
    }
  }
}

}  // namespace mano
