#include "surrogate/grid_transfer.hpp"

#include <torch/torch.h>

#include <algorithm>

namespace mano {

using torch::Tensor;

namespace {

// values [N, 1, H, sources] -> [N, 1, H, targets].
Tensor apply_to_rows(const AxisMap& map, const Tensor& values) {
  auto weights = torch::zeros({map.targets(), map.sources}, torch::kFloat64);
  auto at = weights.accessor<double, 2>();
  for (int t = 0; t < map.targets(); ++t)
    for (const auto& term : map.terms[t]) at[t][term.source] = term.weight;
  const auto offset = torch::tensor(map.offset, torch::kFloat64);
  const auto options = values.options();
  return torch::linear(values, weights.to(options), offset.to(options));
}

Tensor apply_maps(const AxisMap& along_x, const AxisMap& along_y, const Tensor& values) {
  const auto rows = apply_to_rows(along_x, values);
  return apply_to_rows(along_y, rows.transpose(2, 3).contiguous()).transpose(2, 3).contiguous();
}

}  // namespace

Tensor restricted(const Tensor& values, const Resolution& target, Location location) {
  const Resolution from = resolution_of(values);
  if (from == target) return values;
  return apply_maps(restriction_map(from.nx, target.nx, location),
                    restriction_map(from.ny, target.ny, location), values);
}

Tensor interpolated(const Tensor& values, const Resolution& target, Location location, const Ends& ends) {
  const Resolution from = resolution_of(values);
  if (from == target) return values;
  return apply_maps(interpolation_map(from.nx, target.nx, location, ends[0], ends[1]),
                    interpolation_map(from.ny, target.ny, location, ends[2], ends[3]), values);
}

std::vector<Resolution> ladder(const Resolution& base, const Resolution& target) {
  const Resolution last{std::max(base.nx, target.nx), std::max(base.ny, target.ny)};
  std::vector<Resolution> rungs;
  for (Resolution r = base; !(r == last);) {
    r = {std::min(2 * r.nx, last.nx), std::min(2 * r.ny, last.ny)};
    rungs.push_back(r);
  }
  return rungs;
}

}  // namespace mano
