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

Tensor SurrogateModel::refine(const Tensor& permeability, const Grid& grid, const Tensor& pressure,
                              int sweeps) const {
  if (!refinement || sweeps == 0 || !card.refinement->holds_levels(grid.ny, grid.nx)) return pressure;
  const DarcyOperator darcy(permeability, grid, setup_for_defect(card));
  const auto shares = darcy.shares();
  Tensor refined = pressure;
  for (int i = 0; i < sweeps; ++i)
    refined = refined + correction(*refinement, shares, darcy.defect(refined), card.refinement_gain);
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
  Tensor pressure;
  if (options.exact_start) {
    pressure = DarcyOperator(permeability_on(from), with_resolution(grid, from), *known_setup(card.setup))
                   .solve(1e-8);
  } else {
    pressure = direct(permeability_on(from), with_resolution(grid, from));
    pressure = refined_on(from, pressure, card.refines_base ? 1 : 0);
  }
  for (const Resolution& rung : ladder(from, {grid.nx, grid.ny}))
    pressure = refined_on(rung, interpolated(pressure, rung, card.location, ends()), card.sweeps);
  return pinned(restricted(pressure, {grid.nx, grid.ny}, card.location));
}

}  // namespace mano
