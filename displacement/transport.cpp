#include "displacement/transport.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace mano {

std::string to_string(TransportScheme scheme) {
  switch (scheme) {
    case TransportScheme::theta:
      return "theta";
    case TransportScheme::implicit:
      return "implicit";
    default:
      return "explicit";
  }
}

TransportScheme parse_transport_scheme(const std::string& text) {
  for (auto scheme : {TransportScheme::theta, TransportScheme::implicit, TransportScheme::explicit_}) {
    if (text == to_string(scheme)) return scheme;
  }
  throw InvalidInput(fmt::format("transport is '{}', expected theta, implicit or explicit", text));
}

Transport::Transport(const FractionalFlow& fractional, std::vector<double> volume, TransportScheme scheme)
    : fractional_(fractional), volume_(std::move(volume)), scheme_(scheme), passed_(volume_.size()) {}

double Transport::longest_explicit_step(const UpstreamOrder& order) const {
  double rate = 0.0;  // Courant number of a unit of time
  for (std::size_t place = 0; place < order.size(); ++place) {
    if (order.through(place) > 0) rate = std::max(rate, order.through(place) / volume_[order.cell(place)]);
  }
  return 1.0 / (rate * fractional_.steepest());
}

double Transport::usual_step(const UpstreamOrder& order, double share) const {
  rates_.clear();
  for (std::size_t place = 0; place < order.size(); ++place) {
    if (order.through(place) > 0) rates_.push_back(order.through(place) / volume_[order.cell(place)]);
  }
  if (rates_.empty()) return std::numeric_limits<double>::infinity();
  const auto at =
      rates_.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(rates_.size() - 1));
  std::nth_element(rates_.begin(), at, rates_.end());
  return 1.0 / (*at * fractional_.steepest());
}

void Transport::advance(const UpstreamOrder& order, double dt, std::vector<double>& s) {
  if (scheme_ != TransportScheme::explicit_) {
    pass(order, dt, s);
    return;
  }
  constexpr double kMostSteps = 1e7;
  const double parts = std::max(1.0, std::ceil(dt / longest_explicit_step(order)));
  if (!(parts <= kMostSteps))
    throw RunFailed(
        "explicit transport would need more than ten million steps, as flow passes cells with next to no "
        "pore volume: "
        "pass --transport theta or implicit");
  mean_.assign(s.size(), 0.0);
  for (int part = 0; part < static_cast<int>(parts); ++part) {
    pass_explicitly(order, dt / parts, s);
    for (std::size_t c = 0; c < s.size(); ++c) mean_[c] += passed_[c];
  }
  for (std::size_t c = 0; c < s.size(); ++c) passed_[c] = mean_[c] / parts;
}

void Transport::pass_explicitly(const UpstreamOrder& order, double dt, std::vector<double>& s) {
  ++passes_;
  for (std::size_t c = 0; c < s.size(); ++c) passed_[c] = fractional_.flow(s[c]);
  for (std::size_t place = 0; place < order.size(); ++place) {
    if (!(order.through(place) > 0)) continue;
    const int c = order.cell(place);
    double net = order.from_outside(place) - order.through(place) * passed_[c];
    for (const auto* in = order.begin(place); in != order.end(place); ++in)
      net += in->flow * passed_[in->cell];
    s[c] = std::clamp(s[c] + dt / volume_[c] * net, 0.0, 1.0);  // which rounding alone leaves
  }
}

void Transport::pass(const UpstreamOrder& order, double dt, std::vector<double>& s) {
  ++passes_;
  flow_.resize(s.size());
  for (std::size_t c = 0; c < s.size(); ++c) flow_[c] = fractional_.flow(s[c]);
  if (order.circles_from() < order.size()) {
    pass_circles(order, dt, s);
    return;
  }
  for (std::size_t place = 0; place < order.size(); ++place) {
    double& here = s[order.cell(place)];
    here = take(order, place, dt, here);
  }
}

// Cells in circles again and again, until what they pass on no longer changes: each pass brings it nearer, as f rises with s.
void Transport::pass_circles(const UpstreamOrder& order, double dt, std::vector<double>& s) {
  constexpr int kMostRounds = 10000;
  constexpr double kSettled = 1e-15;
  start_ = s;
  for (double& f : passed_) f = 0.0;
  for (int round = 0;; ++round) {
    double change = 0.0;
    for (std::size_t place = round == 0 ? 0 : order.circles_from(); place < order.size(); ++place) {
      const int c = order.cell(place);
      const double before = passed_[c];
      s[c] = take(order, place, dt, start_[c]);
      change = std::max(change, std::abs(passed_[c] - before));
    }
    if (round > 0 && change <= kSettled) return;
    if (round == kMostRounds) throw RunFailed("transport along flow in circles does not settle");
  }
}

// The equation of one cell; returns s at the end of the step and sets what is passed on.
double Transport::take(const UpstreamOrder& order, std::size_t place, double dt, double start) {
  const int c = order.cell(place);
  double in = order.from_outside(place);
  for (const auto* flow = order.begin(place); flow != order.end(place); ++flow)
    in += flow->flow * passed_[flow->cell];
  if (start == 0.0 && in == 0.0) return passed_[c] = 0.0;  // ahead of the front
  const double through = dt * order.through(place);
  const double volume = volume_[c];
  const double flow = flow_[c];
  if (!(through > 0)) {
    passed_[c] = flow;
    return start;
  }
  const double theta = scheme_ == TransportScheme::implicit || volume == 0.0
                           ? 1.0
                           : std::max(0.5, 1.0 - volume / (through * fractional_.steepest()));
  const double weight = theta * through;
  const double right = volume * start + dt * in - (1.0 - theta) * through * flow;
  double end = root(volume, weight, right, start);
  // One of the two follows from the other by the balance itself, so that it holds to rounding.
  constexpr double kLittle = 1e-3;  // flow, beside which the change of s would lose its digits
  if (weight < kLittle * volume) {
    const double last = fractional_.flow(end);
    end = std::clamp((right - weight * last) / volume, 0.0, 1.0);
    passed_[c] = theta * last + (1.0 - theta) * flow;
  } else {
    passed_[c] = std::clamp((dt * in - volume * (end - start)) / through, 0.0, 1.0);
  }
  return end;
}

// s of volume s + weight f(s) = right. The left side rises with s, from 0 to volume + weight.
double Transport::root(double volume, double weight, double right, double guess) const {
  if (!(right > 0)) return 0.0;
  if (!(right < volume + weight)) return 1.0;
  constexpr int kMostIterations = 200;
  constexpr double kSettled =
      1e-5;  // a step of Newton's method; the next one would be of the order of its square
  const double inflection = fractional_.inflection();
  double low = 0.0;
  double high = 1.0;
  double s = guess;
  for (int i = 0; i < kMostIterations; ++i) {
    const auto f = fractional_.at(s);
    const double excess = volume * s + weight * f.flow - right;
    (excess > 0 ? high : low) = s;
    const double slope = volume + weight * f.slope;
    double next = slope > 0 ? s - excess / slope : -1.0;
    const bool is_newton = (s - inflection) * (next - inflection) >= 0;
    if (!is_newton) next = inflection;
    if (!(next >= low && next <= high)) {
      next = 0.5 * (low + high);
      if (high - low < 1e-15) return next;
    } else if (is_newton && std::abs(next - s) < kSettled) {
      return next;
    }
    s = next;
  }
  return s;
}

}  // namespace mano
