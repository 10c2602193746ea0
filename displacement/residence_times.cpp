#include "displacement/residence_times.hpp"

#include <algorithm>
#include <limits>

namespace mano {

ResidenceTimes residence_times(const UpstreamOrder& order, const std::vector<double>& pore) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  ResidenceTimes times{std::vector<double>(pore.size(), kInfinite), std::vector<double>(pore.size(), 1.0)};
  std::vector<double> squares(pore.size(), kInfinite);
  for (std::size_t place = 0; place < order.size(); ++place) {
    const double through = order.through(place);
    if (!(through > 0)) continue;
    const int cell = order.cell(place);
    double before = 0.0, square_before = 0.0;
    for (const auto* inflow = order.begin(place); inflow != order.end(place); ++inflow) {
      if (times.mean[inflow->cell] == kInfinite) continue;  // what a residual of the pressure lets out of it
      before += inflow->flow * times.mean[inflow->cell];
      square_before += inflow->flow * squares[inflow->cell];
    }
    const double stay = pore[cell] / through;
    before /= through;
    const double mean = stay + before;
    squares[cell] = 2 * stay * mean + square_before / through;
    times.mean[cell] = mean;
    times.tanks[cell] =
        std::max(1.0, mean * mean / std::max(squares[cell] - mean * mean, 1e-12 * mean * mean));
  }
  return times;
}

}  // namespace mano
