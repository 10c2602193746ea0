#include "surrogate/model.hpp"

#include <torch/torch.h>

#include "surrogate/grid_transfer.hpp"
#include "surrogate/refinement.hpp"
#include "surrogate/tensor_fields.hpp"

namespace mano {

using torch::Tensor;

void SurrogateModel::to(torch::Device target) {
  device = target;
  base->to(target, torch::kFloat32);
  if (refinement) refinement->to(target, torch::kFloat32);
}

Ends SurrogateModel::ends() const {
  return knows_equation(card.setup, card.location) ? known_setup(card.setup)->ends : Ends{};
}

Tensor SurrogateModel::direct(const Tensor& permeability, const Grid& grid, Precision precision) const {
  const auto input = network_input(permeability.to(torch::kFloat32), grid, card.location, card.normalization);
  return denormalized(base->forward(input, precision).to(torch::kFloat64), card.normalization);
}

Tensor SurrogateModel::by_interpolation(const Tensor& permeability, const Grid& grid, const Resolution& from,
                                        const LadderOptions& options) const {
  const auto pressure =
      by_ladder(restricted(permeability, from, card.location), with_resolution(grid, from), from, options);
  return pinned(interpolated(pressure, {grid.nx, grid.ny}, card.location, ends()));
}

namespace {

// 1, or where the whole step would raise the energy of the error, e . A e, the length that lessens it most: [N, 1, 1, 1].
Tensor safe_length(const DarcyOperator& darcy, const Tensor& step, const Tensor& residual) {
  const auto gain = sum_of_products(step, residual);
  const auto cost = sum_of_products(step, darcy.apply(step));
  return torch::where(cost > 2.0 * gain, gain / cost, torch::ones_like(gain));
}

}  // namespace

Tensor SurrogateModel::refine(const Tensor& permeability, const Grid& grid, const Tensor& pressure,
                              int sweeps) const {
  if (!refinement || sweeps == 0 || !card.refinement->holds_levels(grid.ny, grid.nx)) return pressure;
  const DarcyOperator darcy(permeability, grid, setup_for_defect(card));
  const auto shares = darcy.shares();
  Tensor refined = pressure;
  for (int i = 0; i < sweeps; ++i) {
    const auto residual = darcy.residual(refined);
    auto step = correction(*refinement, shares, residual / darcy.diagonal(), card.refinement_gain)
                    .to(torch::kFloat64);
    if (card.knows_equation) step = step * safe_length(darcy, step, residual);
    refined = refined + step;
  }
  return refined;
}

Tensor SurrogateModel::pinned(const Tensor& pressure) const {
  const auto known = known_setup(card.setup);
  return known && known->pressure_is_free() ? pressure - pressure.mean({2, 3}, true) : pressure;
}

Tensor SurrogateModel::by_ladder(const Tensor& permeability, const Grid& grid, const Resolution& from,
                                 const LadderOptions& options) const {
  const auto permeability_on = [&](const Resolution& rung) {
    return restricted(permeability, rung, card.location);
  };
  const auto refined_on = [&](const Resolution& rung, Tensor pressure, int sweeps) {
    const Grid rung_grid = with_resolution(grid, rung);
    if (options.jacobi_sweeps == 0) return refine(permeability_on(rung), rung_grid, pressure, sweeps);
    const DarcyOperator darcy(permeability_on(rung), rung_grid, *known_setup(card.setup));
    constexpr double kDamping = 0.8;
    for (int i = 0; i < options.jacobi_sweeps; ++i) pressure = pressure + kDamping * darcy.defect(pressure);
    return pressure;
  };
  const Resolution first = options.exact_start ? from : card.network_grid(from);
  Tensor pressure;
  if (options.exact_start) {
    pressure = DarcyOperator(permeability_on(first), with_resolution(grid, first), *known_setup(card.setup))
                   .solve(1e-8);
  } else {
    pressure = direct(permeability_on(first), with_resolution(grid, first));
    pressure = refined_on(first, pressure, card.base_sweeps);
  }
  const int sweeps = card.sweeps_to({grid.nx, grid.ny}, from);
  for (const Resolution& rung : ladder(first, {grid.nx, grid.ny}))
    pressure = refined_on(rung, interpolated(pressure, rung, card.location, ends()), sweeps);
  return pinned(restricted(pressure, {grid.nx, grid.ny}, card.location));
}

}  // namespace mano
