#include "surrogate/multigrid/grid_transfer.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

namespace {

constexpr double kLeastWeight = 0.05;  // of active cells: extrapolation's weights may cancel

struct Matrix {
  Tensor weights, offset;  // [targets, sources], [targets]
};

Matrix matrix_of(const AxisMap& map, const torch::TensorOptions& options) {
  const c10::InferenceMode no_inference(false);  // training may use it later
  auto weights = torch::zeros({map.targets(), map.sources}, torch::kFloat64);
  auto at = weights.accessor<double, 2>();
  for (int t = 0; t < map.targets(); ++t)
    for (const auto& term : map.terms[t]) at[t][term.source] = term.weight;
  return {weights.to(options), torch::tensor(map.offset, torch::kFloat64).to(options)};
}

// A GPU waits where a matrix comes from the host: each is brought once. They stay: graphs may have recorded them.
Matrix cached_matrix(const AxisMap& map, const torch::TensorOptions& options) {
  constexpr std::int64_t kMostNumbers = std::int64_t{1} << 27;  // of all together: 1 GB in float64
  static std::int64_t held = 0;
  using Key = std::tuple<int, int, std::vector<double>, int, int>;
  static std::mutex guard;
  static std::map<Key, Matrix> matrices;
  std::vector<double> numbers = map.offset;
  for (const auto& terms : map.terms) {
    numbers.push_back(static_cast<double>(terms.size()));
    for (const auto& term : terms)
      numbers.insert(numbers.end(), {static_cast<double>(term.source), term.weight});
  }
  const Key key{map.targets(), map.sources, std::move(numbers), options.device().index(),
                static_cast<int>(c10::typeMetaToScalarType(options.dtype()))};
  const std::lock_guard lock(guard);
  const auto found = matrices.find(key);
  if (found != matrices.end()) return found->second;
  const std::int64_t size = static_cast<std::int64_t>(map.targets()) * map.sources;
  if (held + size > kMostNumbers) return matrix_of(map, options);
  held += size;
  return matrices[key] = matrix_of(map, options);
}

// values [N, 1, H, sources] -> [N, 1, H, targets].
Tensor apply_to_rows(const AxisMap& map, const Tensor& values) {
  const auto options = values.options().requires_grad(false);
  const Matrix m = values.is_cuda() ? cached_matrix(map, options) : matrix_of(map, options);
  return torch::linear(values, m.weights, m.offset);
}

// Without gradients, on the CPU: each target takes its few sources.
template <typename S>
Tensor map_samples(const AxisMap& along_x, const AxisMap& along_y, const Tensor& values) {
  const auto from = values.contiguous();
  auto shape = from.sizes().vec();
  shape[2] = along_y.targets();
  shape[3] = along_x.targets();
  auto to = torch::empty(shape, from.options());
  const std::int64_t taken = from.size(2) * from.size(3), given = to.size(2) * to.size(3);
  const S* first = from.const_data_ptr<S>();
  S* target = to.data_ptr<S>();
  at::parallel_for(0, from.size(0) * from.size(1), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) apply(along_x, along_y, first + n * taken, target + n * given);
  });
  return to;
}

Tensor apply_maps(const AxisMap& along_x, const AxisMap& along_y, const Tensor& values) {
  if (values.is_cpu() && !torch::GradMode::is_enabled()) {
    if (values.scalar_type() == torch::kFloat64) return map_samples<double>(along_x, along_y, values);
    if (values.scalar_type() == torch::kFloat32) return map_samples<float>(along_x, along_y, values);
  }
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

Tensor active_part(const Tensor& rock, const Resolution& grid, bool may_be_inactive) {
  if (!may_be_inactive) return {};
  return restricted((rock > 0).to(torch::kFloat64), grid, Location::cell);
}

Tensor hidden(const Tensor& values, const Tensor& part) {
  return part.defined() ? torch::where(part > 0, values, torch::zeros({}, values.options())) : values;
}

Tensor restricted(const Tensor& values, const Tensor& part, const Resolution& target, Location location) {
  if (!part.defined() || resolution_of(values) == target) return restricted(values, target, location);
  const auto weight = part.to(values.dtype());
  const auto there = restricted(weight, target, location);
  const auto divisor =
      torch::where(there > 0, there, torch::ones({}, there.options()));  // 0 / 0 has no gradient
  return hidden(restricted(values * weight, target, location) / divisor, there);
}

Tensor interpolated(const Tensor& values, const Tensor& from, const Tensor& to, const Resolution& target,
                    Location location, const Ends& ends) {
  if (!from.defined() || resolution_of(values) == target) return interpolated(values, target, location, ends);
  Ends of_weights = ends;
  for (AxisEnd& end : of_weights) end.value = 1.0;  // a prescribed value counts as one that is there
  const auto weight = (from > 0).to(values.dtype());
  const auto sum = interpolated(weight, target, location, of_weights);
  return hidden(interpolated(values * weight, target, location, ends) / sum.clamp_min(kLeastWeight), to);
}

PointInterpolation::Axis PointInterpolation::axis_of(int from, int to, const torch::TensorOptions& options) {
  const AxisMap map = interpolation_map(from, to, Location::cell, kConstantEnd, kConstantEnd);
  std::vector<std::int64_t> lower, upper;
  std::vector<double> share;
  for (const auto& terms : map.terms) {
    lower.push_back(terms.front().source);
    upper.push_back(terms.back().source);
    share.push_back(terms.size() > 1 ? terms.back().weight : 0.0);
  }
  const auto places = options.dtype(torch::kLong).requires_grad(false);
  return {torch::tensor(lower).to(places), torch::tensor(upper).to(places),
          torch::tensor(share, torch::kFloat64).to(options.requires_grad(false))};
}

PointInterpolation::PointInterpolation(Tensor values, Tensor from, Tensor to, const Resolution& target)
    : along_x_(axis_of(resolution_of(values).nx, target.nx, values.options())),
      along_y_(axis_of(resolution_of(values).ny, target.ny, values.options())) {
  if (from.defined()) {
    const auto weight = (from > 0).to(values.dtype());
    divisor_ = interpolated(weight, target, Location::cell, kConstantEnds).clamp_min(kLeastWeight);
    part_ = std::move(to);
    values = values * weight;
  }
  points_ = values.permute({0, 2, 3, 1}).contiguous();
}

Tensor PointInterpolation::rows(std::int64_t first, std::int64_t last) const {
  const auto between = [](const Tensor& x, const Axis& axis, std::int64_t dim, std::int64_t from,
                          std::int64_t to) {
    std::vector<std::int64_t> shape(4, 1);
    shape[dim] = to - from;
    return torch::lerp(x.index_select(dim, axis.lower.slice(0, from, to)),
                       x.index_select(dim, axis.upper.slice(0, from, to)),
                       axis.share.slice(0, from, to).view(shape));
  };
  const auto down = between(points_, along_y_, 1, first, last);
  const auto values = between(down, along_x_, 2, 0, along_x_.share.size(0)).permute({0, 3, 1, 2});
  if (!divisor_.defined()) return values;
  return hidden(values / divisor_.slice(2, first, last), part_.slice(2, first, last));
}

std::vector<Resolution> grid_hierarchy(const Resolution& base, const Resolution& target) {
  const Resolution last{std::max(base.nx, target.nx), std::max(base.ny, target.ny)};
  std::vector<Resolution> levels;
  for (Resolution r = base; !(r == last);) {
    r = {std::min(2 * r.nx, last.nx), std::min(2 * r.ny, last.ny)};
    levels.push_back(r);
  }
  return levels;
}

}  // namespace mano
