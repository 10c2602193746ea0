#include "surrogate/differentiable.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/refinement.hpp"

namespace mano {

torch::Tensor pressure_by(const SurrogateModel& model, Method method, const torch::Tensor& k,
                          const Grid& grid, const Resolution& from) {
  switch (method) {
    case Method::direct:
      return model.pinned(model.direct(k, grid), model.active_on(k, {grid.nx, grid.ny}));
    case Method::interleaved:
      return model.pinned(model.interleaved(k, grid, from), model.active_on(k, {grid.nx, grid.ny}));
    case Method::interpolation:
      return model.by_interpolation(k, grid, from);
    case Method::jacobi:
      return model.by_multigrid(k, grid, from, {.jacobi_steps = 16});
    case Method::zero_start:
      return model.by_multigrid(k, grid, from, {.zero_start = true});
    case Method::exact_start:
      return model.by_multigrid(k, grid, from, {.exact_start = true});
    case Method::exact_interpolation:
      return model.by_interpolation(k, grid, from, {.exact_start = true});
    default:
      return model.by_multigrid(k, grid, from);
  }
}

DifferentiableNetwork::DifferentiableNetwork(const Architecture& architecture, std::uint64_t seed)
    : architecture_(architecture), network_(make_network(architecture, seed)) {}

DifferentiableNetwork::DifferentiableNetwork(const std::filesystem::path& model) {
  SurrogateModel loaded = load_checkpoint(checkpoint_path(model));
  architecture_ = loaded.card.architecture;
  network_ = std::move(loaded.base);
}

torch::Tensor DifferentiableNetwork::forward(const torch::Tensor& input,
                                             const std::vector<torch::Tensor>& parameters) {
  check(input.dim() == 4 && input.size(1) == architecture_.channels_in,
        "the network's input has the shape {}, expected [B, {}, H, W]", c10::str(input.sizes()),
        architecture_.channels_in);
  check_grid(architecture_, static_cast<int>(input.size(2)), static_cast<int>(input.size(3)));
  const std::lock_guard lock(in_use_);
  network_->use_parameters(parameters);
  return network_->forward(input.to(parameters.at(0).options()));
}

DifferentiableModel::DifferentiableModel(const std::filesystem::path& model)
    : model_(load_checkpoint(checkpoint_path(model))) {
  const std::string where = model.string();
  check(model_.card.classes.empty() && !model_.card.history,
        "{}: it predicts no steady pressure: its network alone is mano.torch.Network", where);
  check((model_.card.architecture.channels_in == 3 || model_.card.architecture.channels_in == 4) &&
            model_.card.architecture.channels_out == 1,
        "{}: the network maps {} channels to {}, a surrogate 3 or 4 to 1", where,
        model_.card.architecture.channels_in, model_.card.architecture.channels_out);
}

NamedTensors DifferentiableModel::named_parameters() const {
  NamedTensors all = model_.base->named_parameters();
  if (model_.refinement)
    for (const auto& [name, tensor] : model_.refinement->named_parameters())
      all.emplace_back(kRefinementPrefix + name, tensor);
  return all;
}

torch::Tensor DifferentiableModel::forward(const torch::Tensor& permeability,
                                           const std::vector<torch::Tensor>& parameters, Method method) {
  check(permeability.dim() == 3, "permeability has the shape {}, expected [N, ny, nx]",
        c10::str(permeability.sizes()));
  check(method != Method::exact_start && method != Method::exact_interpolation,
        "method is '{}', which solves and has no gradients", to_string(method));
  check(method != Method::zero_start || model_.card.knows_equation,
        "method is 'zero-start', but the model has no refinement of the equation's own residual");
  check(method != Method::jacobi || knows_equation(model_.card.problem_name, model_.card.location),
        "method is 'jacobi', but problem '{}' does not tell the equation", model_.card.problem_name);
  const std::size_t of_base = model_.base->named_parameters().size();
  check(parameters.size() >= of_base, "the model has more than {} parameters", parameters.size());
  const std::lock_guard lock(in_use_);
  model_.base->use_parameters({parameters.begin(), parameters.begin() + of_base});
  if (model_.refinement) model_.refinement->use_parameters({parameters.begin() + of_base, parameters.end()});
  model_.device = parameters.at(0).device();
  const auto k = permeability.to(parameters.at(0).options()).unsqueeze(1);
  const auto usable = torch::isfinite(k) & (model_.card.takes_inactive() ? k >= 0 : k > 0);
  check(usable.all().item<bool>(), "permeability holds values that are not finite and above zero{}",
        model_.card.takes_inactive() ? ", or 0 for inactive cells" : "");
  const Resolution target{static_cast<int>(k.size(3)), static_cast<int>(k.size(2))};
  const Grid grid{target.nx, target.ny, model_.card.lx, model_.card.ly};
  return pressure_by(model_, method, k, grid, model_.card.base_resolution(target)).squeeze(1);
}

}  // namespace mano
