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

void Transport::advance(const UpstreamOrder& order, double dt, std::vector<double>& s, double courant) {
  if (scheme_ != TransportScheme::explicit_) {
    pass(order, dt, s, courant);
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

void Transport::pass(const UpstreamOrder& order, double dt, std::vector<double>& s, double most) {
  ++passes_;
  flow_.resize(s.size());
  rate_.resize(s.size(), 0.0);
  for (std::size_t c = 0; c < s.size(); ++c) flow_[c] = fractional_.flow(s[c]);
  first_.resize(s.size());
  level_.assign(s.size(), 0);
  parts_.clear();
  for (std::size_t place = 0; place < order.circles_from(); ++place) {
    const int c = order.cell(place);
    const int level = level_of(order, place, dt, most);
    first_[c] = static_cast<int>(parts_.size());
    level_[c] = level;
    s[c] = take_parts(order, place, dt, level, s[c]);
  }
  if (order.circles_from() < order.size()) pass_circles(order, dt, s);
}

// Cells in circles again and again, until what they pass on no longer changes: each pass brings it nearer, as f rises with s.
void Transport::pass_circles(const UpstreamOrder& order, double dt, std::vector<double>& s) {
  constexpr int kMostRounds = 10000;
  constexpr double kSettled = 1e-15;
  for (std::size_t place = order.circles_from(); place < order.size(); ++place) {
    first_[order.cell(place)] = static_cast<int>(parts_.size());
    parts_.push_back(0.0);
  }
  start_ = s;
  for (int round = 0;; ++round) {
    double change = 0.0;
    for (std::size_t place = order.circles_from(); place < order.size(); ++place) {
      const int c = order.cell(place);
      double& passed = parts_[first_[c]];
      const Taken taken =
          take(c, dt * order.through(place), dt * inflow(order, place, 0, 0), start_[c], flow_[c], 0.0);
      change = std::max(change, std::abs(taken.passed - passed));
      passed = passed_[c] = taken.passed;
      s[c] = taken.s;
    }
    if (round > 0 && change <= kSettled) return;
    if (round == kMostRounds) throw RunFailed("transport along flow in circles does not settle");
  }
}

// The pass is made in 2^level parts.
int Transport::level_of(const UpstreamOrder& order, std::size_t place, double dt, double most) const {
  constexpr int kMostLevels = 12;
  if (scheme_ == TransportScheme::implicit) return 0;
  double courant = dt * order.through(place) * fractional_.steepest() / volume_[order.cell(place)];
  if (!std::isfinite(courant)) return 0;  // without pore volume: theta is 1 then
  int level = 0;
  for (; courant > most && level < kMostLevels; courant *= 0.5) ++level;
  return level;
}

// Of the injected fluid in part `part` of 2^level, a rate.
double Transport::inflow(const UpstreamOrder& order, std::size_t place, int level, int part) const {
  double in = order.from_outside(place);
  for (const auto* from = order.begin(place); from != order.end(place); ++from) {
    const double* passed = parts_.data() + first_[from->cell];
    const int finer = level_[from->cell] - level;
    if (finer <= 0) {
      in += from->flow * passed[part >> -finer];
      continue;
    }
    double sum = 0.0;
    for (int i = part << finer; i < (part + 1) << finer; ++i) sum += passed[i];
    in += from->flow * sum / (1 << finer);
  }
  return in;
}

double Transport::take_parts(const UpstreamOrder& order, std::size_t place, double dt, int level, double s) {
  const int c = order.cell(place);
  const int parts = 1 << level;
  const double step = dt / parts;
  double flow = flow_[c];
  double sum = 0.0;
  for (int part = 0; part < parts; ++part) {
    const Taken taken = take(c, step * order.through(place), step * inflow(order, place, level, part), s,
                             flow, step * rate_[c]);
    rate_[c] = (taken.s - s) / step;
    s = taken.s;
    if (part + 1 < parts) flow = fractional_.flow(s);
    parts_.push_back(taken.passed);
    sum += taken.passed;
  }
  passed_[c] = sum / parts;
  return s;
}

// The equation of one cell, with the volumes that flow through and in, and f at the beginning.
Transport::Taken Transport::take(int c, double through, double in, double start, double flow,
                                 double change) const {
  if (start == 0.0 && in == 0.0) return {0.0, 0.0};  // ahead of the front
  if (!(through > 0)) return {start, flow};
  const double volume = volume_[c];
  const double theta = scheme_ == TransportScheme::implicit || volume == 0.0
                           ? 1.0
                           : std::max(0.5, 1.0 - volume / (through * fractional_.steepest()));
  const double weight = theta * through;
  const double right = volume * start + in - (1.0 - theta) * through * flow;
  // Of s and F one follows from the other by the balance itself, so that it holds to rounding.
  constexpr double kLittle = 1e-3;  // flow, beside which the change of s would lose its digits
  const auto balanced = [&](double end) -> Taken {
    if (weight >= kLittle * volume) return {end, (in - volume * (end - start)) / through};
    const double last = fractional_.flow(end);
    return {(right - weight * last) / volume, theta * last + (1.0 - theta) * flow};
  };
  const auto within = [](double x) { return x >= 0.0 && x <= 1.0; };
  // Last steps of Newton's method; what is left is of the order of their square. Where that leaves the bounds, on to rounding.
  constexpr double kSettled = 1e-4;
  constexpr double kSettledWell = 1e-15;
  const double end = root(volume, weight, right, std::clamp(start + change, 0.0, 1.0), kSettled);
  Taken taken = balanced(end);
  if (!within(taken.s) || !within(taken.passed))
    taken = balanced(root(volume, weight, right, end, kSettledWell));
  return {std::clamp(taken.s, 0.0, 1.0), std::clamp(taken.passed, 0.0, 1.0)};
}

// s of volume s + weight f(s) = right. The left side rises with s, from 0 to volume + weight.
double Transport::root(double volume, double weight, double right, double guess, double settled) const {
  if (!(right > 0)) return 0.0;
  if (!(right < volume + weight)) return 1.0;
  constexpr int kMostIterations = 200;
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
    } else if (is_newton && std::abs(next - s) < settled) {
      return next;
    }
    s = next;
  }
  return s;
}

}  // namespace mano
