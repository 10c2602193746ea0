#include "surrogate/training/optimizer.hpp"

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "surrogate/checkpoint/tensor_store.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/training/muon.hpp"

namespace mano {

using torch::Tensor;

Optimizer::Optimizer(const Network& network, OptimizerKind kind, double weight_decay, double gradient_clip)
    : parameters(network.parameters()), weight_decay_(weight_decay), gradient_clip_(gradient_clip) {
  std::map<std::vector<std::int64_t>, std::vector<std::size_t>> by_shape;
  for (const auto& [name, parameter] : network.named_parameters()) {
    const std::size_t place = names_.size();
    if (kind == OptimizerKind::muon && muon::has_matrices(parameter.sizes()))
      by_shape[parameter.sizes().vec()].push_back(place);
    else
      by_adamw_.push_back(place);
    names_.push_back(name);
    average.push_back(parameter.detach().clone());
    mean_.push_back(torch::zeros_like(parameter, parameter.options().requires_grad(false)));
    square_.push_back(torch::zeros_like(mean_.back()));
    taken_.push_back(torch::zeros({}, mean_.back().options()));
  }
  for (auto& [shape, places] : by_shape) by_muon_.push_back(std::move(places));
  counters_ = torch::zeros({3}, mean_.front().options());
  if (counters_.is_cuda()) on_device_ = torch::zeros({2}, counters_.options());
}

void Optimizer::zero_gradients() {
  for (Tensor& parameter : parameters) parameter.mutable_grad() = Tensor();
}

void Optimizer::begin_epoch() {
  const torch::NoGradGuard no_grad;
  counters_[0].zero_();
  counters_[2].copy_(counters_[1]);
}

Tensor Optimizer::step(double learning_rate) {
  schedule(learning_rate);
  return update();
}

void Optimizer::schedule(double learning_rate) {
  const torch::NoGradGuard no_grad;
  const auto steps = static_cast<double>(++steps_);
  learning_rate_ = learning_rate;
  forget_ = 1.0 - std::min(0.999, (1.0 + steps) / (10.0 + steps));
  if (!on_device_.defined()) return;
  on_device_[0].fill_(learning_rate_);
  on_device_[1].fill_(forget_);
}

// Those of these weights that have a gradient: down and up have none on a grid of one level.
Optimizer::Gathered Optimizer::gather(const std::vector<std::size_t>& places) const {
  Gathered all;
  for (const std::size_t i : places) {
    if (!parameters[i].grad().defined()) continue;
    all.weights.push_back(parameters[i]);
    all.gradients.push_back(parameters[i].grad());
    all.means.push_back(mean_[i]);
    all.squares.push_back(square_[i]);
    all.taken.push_back(taken_[i]);
  }
  return all;
}

template <typename Rate>
void Optimizer::adamw_step(const Tensor& bad, const Rate& learning_rate) {
  constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
  auto [weights, gradients, means, squares, taken] = gather(by_adamw_);
  if (weights.empty()) return;
  torch::_foreach_add_(taken, 1);
  torch::_fused_adamw_(weights, gradients, means, squares, {}, taken, learning_rate, kBeta1, kBeta2,
                       weight_decay_, kEpsilon, false, false, {}, bad);
  torch::_foreach_sub_(taken, std::vector<Tensor>(taken.size(), bad));
}

// Of weights of one shape.
template <typename Rate>
void Optimizer::muon_step(const std::vector<std::size_t>& alike, const Tensor& bad,
                          const Rate& learning_rate) {
  auto [weights, gradients, means, squares, taken] = gather(alike);
  if (weights.empty()) return;
  const auto skip = bad > 0;
  const auto gradient = torch::stack(gradients), before = torch::stack(means);
  const auto mean = before.lerp(gradient, 1.0 - muon::kMomentum);
  const auto steps = muon::orthonormal(muon::matrices(gradient.lerp(mean, muon::kMomentum)));
  auto change = muon::weights_of(steps * muon::step_size(steps), gradient.sizes());
  change = change.add(torch::stack(weights), weight_decay_);
  change = torch::where(skip, torch::zeros_like(change), change) * learning_rate;
  torch::_foreach_sub_(weights, change.unbind());
  torch::_foreach_copy_(means, torch::where(skip, before, mean).unbind());
  torch::_foreach_add_(taken, std::vector<Tensor>(taken.size(), 1.0 - bad));
}

Tensor Optimizer::update() {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> gradients;
  for (const Tensor& p : parameters)
    if (p.grad().defined()) gradients.push_back(p.grad());
  const auto norm = torch::stack(torch::_foreach_norm(gradients)).norm();
  const auto bad = torch::isfinite(norm).logical_not().to(norm.dtype());
  torch::_foreach_mul_(gradients, (gradient_clip_ / (norm + 1e-6)).clamp_max(1.0));
  const auto step = [&](const auto& learning_rate) {
    adamw_step(bad, learning_rate);
    for (const auto& alike : by_muon_) muon_step(alike, bad, learning_rate);
  };
  on_device_.defined() ? step(on_device_[0]) : step(learning_rate_);

  counters_[0] += bad;
  counters_[1].add_(1).mul_(bad);
  counters_[2].copy_(torch::maximum(counters_[1], counters_[2]));

  if (on_device_.defined()) {
    auto change = torch::_foreach_sub(parameters, average);
    torch::_foreach_mul_(change, on_device_[1]);
    torch::_foreach_add_(average, change);
  } else {
    torch::_foreach_lerp_(average, parameters, forget_);
  }
  return 1.0 - bad;
}

Optimizer::Skipped Optimizer::skipped() const {
  const auto counts = counters_.to(torch::kCPU, torch::kInt);
  return {counts[0].item<int>(), counts[2].item<int>()};
}

void Optimizer::store_in(SafetensorsFile& file) const {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    file.tensors["average." + names_[i]] = store(average[i]);
    file.tensors["step." + names_[i]] = store(taken_[i]);
    file.tensors["exp_avg." + names_[i]] = store(mean_[i]);
    file.tensors["exp_avg_sq." + names_[i]] = store(square_[i]);
  }
}

void Optimizer::restore_from(const SafetensorsFile& file, std::int64_t steps, const std::string& where) {
  const torch::NoGradGuard no_grad;
  const auto take = [&](const std::string& name, Tensor& target) {
    const auto found = file.tensors.find(name);
    check(found != file.tensors.end() && at::IntArrayRef(found->second.shape) == target.sizes(),
          "{}: tensor '{}' is missing or of a wrong shape", where, name);
    target.copy_(restore(found->second));
  };
  for (std::size_t i = 0; i < names_.size(); ++i) {
    take("average." + names_[i], average[i]);
    take("step." + names_[i], taken_[i]);
    take("exp_avg." + names_[i], mean_[i]);
    take("exp_avg_sq." + names_[i], square_[i]);
  }
  steps_ = steps;
}

}  // namespace mano
