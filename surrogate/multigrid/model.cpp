#include "surrogate/multigrid/model.hpp"

#include <algorithm>
#include <cmath>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/refinement.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"

namespace mano {

using torch::Tensor;

void SurrogateModel::to(torch::Device target) {
  device = target;
  base->to(target, torch::kFloat32);
  if (refinement) refinement->to(target, torch::kFloat32);
}

void SurrogateModel::freeze() {
  base->freeze();
  if (refinement) refinement->freeze();
}

Ends SurrogateModel::ends() const {
  return knows_equation(card.problem_name, card.location) ? known_problem(card.problem_name)->ends : Ends{};
}

Ends SurrogateModel::ends_of_error() const {
  Ends all = ends();
  for (AxisEnd& end : all) end.value = 0.0;
  return all;
}

namespace {

Tensor input_of(const SurrogateModel& model, const Tensor& permeability, const Grid& grid) {
  return network_input(permeability.to(model.base->dtype()), grid, model.card);
}

}  // namespace

Tensor SurrogateModel::direct(const Tensor& permeability, const Grid& grid, Precision precision) const {
  const auto input = input_of(*this, permeability, grid);
  const auto pressure = denormalized(base->forward(input, precision).to(torch::kFloat64), card.normalization);
  return hidden(pressure, active_on(permeability, {grid.nx, grid.ny}));
}

Tensor SurrogateModel::class_logits(const Tensor& permeability, const Grid& grid, Precision precision) const {
  const auto input = input_of(*this, permeability, grid);
  return base->forward(input, precision).mean({2, 3});
}

Tensor interleaved_output(const Network& network, const Tensor& input, const Resolution& own) {
  const auto step = [](std::int64_t size, int trained) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(size) / trained));
  };
  const std::int64_t rows = step(input.size(2), own.ny), columns = step(input.size(3), own.nx);
  const auto part = [&](const Tensor& t, std::int64_t row, std::int64_t column) {
    return t.slice(2, row, t.size(2), rows).slice(3, column, t.size(3), columns);
  };
  Tensor output;
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      const Tensor coarse = network.forward(part(input, row, column).contiguous(), Precision::full);
      if (!output.defined())
        output =
            torch::empty({input.size(0), coarse.size(1), input.size(2), input.size(3)}, coarse.options());
      part(output, row, column).copy_(coarse);
    }
  }
  return output;
}

Tensor SurrogateModel::interleaved(const Tensor& permeability, const Grid& grid,
                                   const Resolution& from) const {
  const auto output = interleaved_output(*base, input_of(*this, permeability, grid), card.network_grid(from));
  return hidden(denormalized(output.to(torch::kFloat64), card.normalization),
                active_on(permeability, {grid.nx, grid.ny}));
}

Tensor SurrogateModel::by_interpolation(const Tensor& permeability, const Grid& grid, const Resolution& from,
                                        const MultigridOptions& options) const {
  const Resolution target{grid.nx, grid.ny};
  const auto pressure =
      by_multigrid(restricted(permeability, from, card.location), with_resolution(grid, from), from, options);
  const auto part = active_on(permeability, target);
  return pinned(interpolated(pressure, active_on(permeability, from), part, target, card.location, ends()),
                part);
}

namespace {

Tensor jacobi_smoothed(const DarcyOperator& darcy, Tensor pressure, int steps) {
  constexpr double kDamping = 0.8;
  for (int i = 0; i < steps; ++i) pressure = pressure + kDamping * darcy.defect(pressure);
  return pressure;
}

// A residual is integrated over a cell: on a coarser grid it adds up.
Tensor sums_over_cells(const Tensor& residual, const Resolution& grid) {
  const double cells =
      static_cast<double>(residual.size(2) * residual.size(3)) / (static_cast<double>(grid.nx) * grid.ny);
  return restricted(residual, grid, Location::cell) * cells;
}

}  // namespace

Tensor SurrogateModel::refine(const DarcyOperator& darcy, const Tensor& pressure, int steps) const {
  if (!refinement || steps == 0 || !card.refinement->holds_levels(pressure.size(2), pressure.size(3)))
    return pressure;
  Tensor refined = pressure;
  for (int i = 0; i < steps; ++i)
    refined = corrected(*refinement, darcy, refined, card.refinement_gain, card.knows_equation);
  return refined;
}

Tensor SurrogateModel::pinned(const Tensor& pressure, const Tensor& part) const {
  const auto known = known_problem(card.problem_name);
  return known && known->pressure_is_free() ? without_mean(pressure, part) : pressure;
}

Tensor SurrogateModel::active_on(const Tensor& permeability, const Resolution& grid) const {
  return active_part(permeability, grid, card.takes_inactive());
}

Tensor SurrogateModel::by_multigrid(const Tensor& permeability, const Grid& grid, const Resolution& from,
                                    const MultigridOptions& options) const {
  const bool jacobi = options.jacobi_steps > 0;
  const Resolution target{grid.nx, grid.ny};
  std::vector<Resolution> grids{options.exact_start ? from : card.network_grid(from)};
  for (const Resolution& next : grid_hierarchy(grids.front(), target)) grids.push_back(next);
  const Tensor first_permeability = restricted(permeability, grids.front(), card.location);
  std::vector<Tensor> parts;
  for (const Resolution& r : grids) parts.push_back(active_on(permeability, r));
  // From grid i - 1 to grid i.
  const auto carried = [&](const Tensor& values, std::size_t i, const Ends& ends) {
    return interpolated(values, parts[i - 1], parts[i], grids[i], card.location, ends);
  };
  const auto on_target = [&](const Tensor& pressure) {
    return pinned(restricted(pressure, parts.back(), target, card.location), active_on(permeability, target));
  };
  if (card.cycles == 0) {
    Tensor pressure = direct(first_permeability, with_resolution(grid, grids.front()));
    for (std::size_t i = 1; i < grids.size(); ++i) pressure = carried(pressure, i, ends());
    return on_target(pressure);
  }
  std::vector<DarcyOperator> operators;
  for (const Resolution& r : grids) {
    const Tensor k = operators.empty() ? first_permeability : restricted(permeability, r, card.location);
    operators.emplace_back(k, with_resolution(grid, r),
                           jacobi ? *known_problem(card.problem_name) : problem_for_defect(card),
                           parts[operators.size()]);
  }
  const auto improved = [&](const DarcyOperator& darcy, const Tensor& pressure, int steps) {
    return jacobi ? jacobi_smoothed(darcy, pressure, options.jacobi_steps) : refine(darcy, pressure, steps);
  };
  const auto initial_guess = [&] {
    const DarcyOperator& darcy = operators.front();
    if (options.zero_start)
      return improved(darcy, torch::zeros_like(darcy.right_hand_side()), card.correction_steps_from_zero());
    const Grid first = with_resolution(grid, grids.front());
    if (options.exact_start)
      return DarcyOperator(first_permeability, first, *known_problem(card.problem_name), parts.front())
          .solve(1e-8);
    return improved(darcy, direct(first_permeability, first), card.base_correction_steps);
  };
  // From zero, the error that is left: A e = residual.
  const auto error_of = [&](const Tensor& residual) {
    Tensor error = torch::zeros_like(operators.front().right_hand_side());
    for (std::size_t i = 0; i < grids.size(); ++i) {
      const DarcyOperator darcy = operators[i].of_error(sums_over_cells(residual, grids[i]));
      if (i > 0) {
        error = darcy.safe(carried(error, i, ends_of_error()));
      }
      error =
          improved(darcy, error, i > 0 ? card.correction_steps_a_grid() : card.correction_steps_from_zero());
    }
    return error;
  };

  Tensor pressure = initial_guess();
  for (std::size_t i = 1; i < grids.size(); ++i)
    pressure = improved(operators[i], carried(pressure, i, ends()), card.correction_steps_a_grid());
  if (options.after_cycle) options.after_cycle(1, on_target(pressure));
  const int cycles = card.knows_equation ? card.cycles : 1;
  for (int cycle = 1; cycle < cycles; ++cycle) {
    pressure = pressure + error_of(operators.back().residual(pressure));
    if (options.after_cycle) options.after_cycle(cycle + 1, on_target(pressure));
  }
  return on_target(pressure);
}

}  // namespace mano
