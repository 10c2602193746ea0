#include "surrogate/multigrid/tensor_fields.hpp"

#include <limits>

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {

torch::Tensor stack_values(const std::vector<Field>& fields) {
  const Grid& grid = fields.at(0).grid;
  auto stacked = torch::empty({static_cast<int64_t>(fields.size()), 1, grid.ny, grid.nx});
  float* out = stacked.data_ptr<float>();
  for (const Field& field : fields) {
    check(field.grid.same_cells(grid), "fields of {} and {} cannot share a batch", grid.resolution(),
          field.grid.resolution());
    for (double value : field.values) *out++ = static_cast<float>(value);
  }
  return stacked;
}

torch::Tensor network_input(const torch::Tensor& permeability, const Grid& grid, const ModelCard& card) {
  const Normalization& n = card.normalization;
  const Location location = card.location;
  // Made on the device: nothing has to be brought there, nor waited for.
  const auto along = [&](int n, double first, double step) {
    const auto numbers = torch::arange(n, permeability.options().dtype(torch::kFloat64));
    return (numbers * step + first).to(c10::promoteTypes(permeability.scalar_type(), torch::kFloat32));
  };
  const auto x = along(grid.nx, (grid.x(0, location) - grid.x0) / grid.lx, grid.hx() / grid.lx);
  const auto y = along(grid.ny, (grid.y(0, location) - grid.y0) / grid.ly, grid.hy() / grid.ly);
  const int64_t samples = permeability.size(0);
  const auto plane = [&](const torch::Tensor& t, at::IntArrayRef shape) {
    return t.view(shape).expand({samples, 1, grid.ny, grid.nx});
  };
  // Of 1 in inactive cells: the logarithm of 0 has no gradient.
  const auto rock = card.takes_inactive() ? torch::where(permeability > 0, permeability,
                                                         torch::ones({}, permeability.options()))
                                          : permeability;
  const auto log_k = (rock.log() - n.mean_log_k) / n.std_log_k;
  std::vector<torch::Tensor> channels{log_k, plane(x, {1, 1, 1, grid.nx}), plane(y, {1, 1, grid.ny, 1})};
  if (card.takes_inactive()) {
    const bool mat = card.architecture.model == Architecture::Model::mat;
    const auto active = permeability > 0;
    const auto none = torch::full({}, mat ? std::numeric_limits<double>::quiet_NaN() : 0.0, log_k.options());
    channels[0] = torch::where(active, log_k, none);
    channels.push_back(active.to(log_k.dtype()));
  }
  return torch::cat(channels, 1);
}

Field field_of(const torch::Tensor& values, std::int64_t sample, const Grid& grid) {
  Field field(grid);
  const auto one = values[sample].to(torch::kCPU, torch::kFloat64).contiguous();
  std::copy_n(one.data_ptr<double>(), field.values.size(), field.values.begin());
  return field;
}

torch::Tensor relative_l2(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).flatten(1).norm(2, 1) / b.flatten(1).norm(2, 1);
}

}  // namespace mano
