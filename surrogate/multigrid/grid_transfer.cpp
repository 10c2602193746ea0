#include "surrogate/multigrid/grid_transfer.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

namespace {

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

// A GPU waits where a matrix comes from the host: each is brought once, and all are forgotten when there are many.
Matrix cached_matrix(const AxisMap& map, const torch::TensorOptions& options) {
  constexpr std::size_t kMost = 256;
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
  if (matrices.size() >= kMost) matrices.clear();
  return matrices[key] = matrix_of(map, options);
}

// values [N, 1, H, sources] -> [N, 1, H, targets].
Tensor apply_to_rows(const AxisMap& map, const Tensor& values) {
  const auto options = values.options().requires_grad(false);
  const Matrix m = values.is_cuda() ? cached_matrix(map, options) : matrix_of(map, options);
  return torch::linear(values, m.weights, m.offset);
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
