#include "displacement/tanks_in_series.hpp"

#include <algorithm>
#include <cmath>

namespace mano {

namespace {

constexpr int kMostTanks = 256;
constexpr double kLastTheta = 8.0;
constexpr int kColumns = 800;  // without that of theta = 0
constexpr double kStep = kLastTheta / kColumns;

// 1, 2, 3, 4, 6, 8, 11, ... kMostTanks
std::vector<int> rows() {
  std::vector<int> list;
  for (int half_octave = 0; list.empty() || list.back() < kMostTanks; ++half_octave) {
    const int tanks = static_cast<int>(std::lround(std::pow(2.0, 0.5 * half_octave)));
    if (list.empty() || tanks > list.back()) list.push_back(tanks);
  }
  return list;
}

}  // namespace

TanksInSeries::TanksInSeries(const FractionalFlow& f) {
  const std::vector<int> tanks = rows();
  for (int m : tanks) log_tanks_.push_back(std::log(m));
  table_.assign(tanks.size(), {0.0});
  const double dt = 0.5 / f.steepest();
  std::vector<double> s(kMostTanks, 0.0), before;
  for (double t = 0.0; static_cast<int>(table_.back().size()) <= kColumns; t += dt) {
    before = s;
    double entering = 1.0;
    for (double& own : s) {
      const double leaving = f.flow(own);
      own += dt * (entering - leaving);
      entering = leaving;
    }
    for (std::size_t row = 0; row < tanks.size(); ++row) {
      auto& values = table_[row];
      const int at = tanks[row] - 1;
      const auto due = [&] { return static_cast<double>(values.size()) * kStep * tanks[row]; };
      while (static_cast<int>(values.size()) <= kColumns && due() <= t + dt)
        values.push_back(before[at] + (s[at] - before[at]) * (due() - t) / dt);
    }
  }
}

double TanksInSeries::at(double tanks, double theta) const {
  const double log_m = std::clamp(std::log(tanks), log_tanks_.front(), log_tanks_.back());
  const auto above = std::upper_bound(log_tanks_.begin() + 1, log_tanks_.end() - 1, log_m);
  const std::size_t row = static_cast<std::size_t>(above - log_tanks_.begin()) - 1;
  const double part = (log_m - log_tanks_[row]) / (log_tanks_[row + 1] - log_tanks_[row]);
  const double place = std::min(theta / kStep, kColumns - 1e-9);
  const auto column = static_cast<std::size_t>(place);
  const double between = place - static_cast<double>(column);
  const auto in_row = [&](const std::vector<double>& values) {
    return values[column] + (values[column + 1] - values[column]) * between;
  };
  return in_row(table_[row]) + part * (in_row(table_[row + 1]) - in_row(table_[row]));
}

}  // namespace mano
