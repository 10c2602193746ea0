#include "surrogate/multigrid/refinement.hpp"

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"

namespace mano {

using torch::Tensor;

bool knows_equation(const std::string& problem_name, Location location) {
  return known_problem(problem_name).has_value() && location == Location::cell;
}

KnownProblem problem_for_defect(const ModelCard& card) {
  return card.knows_equation ? *known_problem(card.problem_name) : closed_problem();
}

Tensor correction(const Network& network, const Tensor& shares, const Tensor& defect, double gain,
                  Precision precision) {
  // In float64: a small defect must not vanish, nor its square; the tiny number keeps the gradient finite where it is zero.
  const auto size = (defect.to(torch::kFloat64).square().mean({1, 2, 3}, true) + 1e-300).sqrt();
  const auto input = torch::cat({(shares - 0.25) * 4.0, defect / size}, 1).to(network.dtype());
  return network.forward(input, precision) * (gain * size).to(network.dtype());
}

Tensor corrected(const Network& network, const DarcyOperator& darcy, const Tensor& pressure, double gain,
                 bool safe) {
  if (!torch::GradMode::is_enabled() && network.dtype() == torch::kFloat32) {
    const DarcyOperator::Asked asked = darcy.ask(pressure);
    return darcy.corrected(pressure, asked, network.forward(asked.input, Precision::full), gain, safe);
  }
  const auto residual = darcy.residual(pressure);
  auto step =
      hidden(correction(network, darcy.shares(), residual / darcy.diagonal(), gain).to(torch::kFloat64),
             darcy.part());
  if (safe) step = step * safe_length(darcy, step, residual);
  return pressure + step;
}

}  // namespace mano
