// The refinement network, to what interpolation from a coarser grid leaves of the error.
//
// A pair of grids, fine and half as fine. With p the pressure of the fine one, q that of the coarse one (solved on the restricted
// permeability, or restricted where the equation is not recorded), P interpolation, R restriction and b the base network's error,
// what stands before a refinement on the fine rung is p_in = P (q + w R b), and its error and defect are linear in w:
//
//   e = (p - P q) - w P R b,    d = defect(P q) - w D^-1 A P R b
//
// and the same without P R and q: the base on its own grid. w = 0 is the exact coarse solution, w = 1 the base's error as it stands, drawn in between and beyond.
#include <torch/torch.h>

#include "surrogate/darcy_operator.hpp"
#include "surrogate/grid_transfer.hpp"
#include "surrogate/refinement.hpp"
#include "surrogate/symmetry.hpp"
#include "surrogate/tensor_fields.hpp"
#include "surrogate/train_task.hpp"

namespace mano {

using torch::Tensor;

namespace {

Resolution half(const Resolution& r) {
  return {(r.nx + 1) / 2, (r.ny + 1) / 2};
}

double rms(const Tensor& values) {
  return std::sqrt(values.square().mean().item<double>());
}

struct Pair {
  bool base_alone = false;
  Tensor shares;                  // [N, 5, H, W]
  Tensor error, error_of_base;    // [N, 1, H, W]: e = error + w error_of_base
  Tensor defect, defect_of_base;  // the same for d
};

class RefinementTask : public TrainTask {
 public:
  RefinementTask(SurrogateModel& model, const TrainData& data, Precision precision)
      : TrainTask(*model.refinement), model_(model), precision_(precision) {
    const torch::NoGradGuard no_grad;
    for (const TrainSet& set : data.sets) add_pairs(set, precision);
    model_.card.refinement_gain =
        rms(pairs_[1].error + pairs_[1].error_of_base) / rms(pairs_[1].defect + pairs_[1].defect_of_base);
  }

  const char* name() const override { return "refinement"; }
  const std::vector<Split>& parts() const override { return parts_; }

  // The part of the error that is left.
  Tensor errors(std::size_t part, const Tensor& samples, std::optional<std::uint64_t> draw) const override {
    const auto index = samples.to(model_.device);
    if (pairs_[part].base_alone) return left(part, index, 1.0, draw ? mix(*draw) % 8 : 0);
    if (!draw) return 0.5 * (left(part, index, 0.0, 0) + left(part, index, 1.0, 0));
    const std::uint64_t bits = mix(*draw);
    const double uniform = static_cast<double>(bits >> 11) * 0x1p-53;
    return left(part, index, uniform < 0.25 ? 0.0 : 2.0 * (uniform - 0.25) / 0.75, bits % 8);
  }

 private:
  // `reflection`: bits for the directions and for the exchange of x and y. D^-1 A d = e has every symmetry, whatever the set-up.
  Tensor left(std::size_t part, const Tensor& index, double w, unsigned reflection) const {
    const Pair& pair = pairs_[part];
    auto shares = pair.shares.index_select(0, index);
    auto error = pair.error.index_select(0, index) + w * pair.error_of_base.index_select(0, index);
    auto defect = pair.defect.index_select(0, index) + w * pair.defect_of_base.index_select(0, index);
    const Symmetry s{(reflection & 1) != 0, (reflection & 2) != 0, (reflection & 4) != 0};
    shares = reflected_shares(reflected(shares, s), s);
    error = reflected(error, s);
    defect = reflected(defect, s);
    // The sweeps as they will be taken, each on what the one before has left; all count.
    const auto whole = error.flatten(1).norm(2, 1);
    Tensor sum = torch::zeros_like(whole);
    for (int i = 0; i < model_.card.sweeps; ++i) {
      const auto step = correction(network(), shares, defect, model_.card.refinement_gain, precision_);
      error = error - step;
      defect = defect - apply_shares(shares, step);
      sum = sum + error.flatten(1).norm(2, 1) / whole;
    }
    return sum / model_.card.sweeps;
  }

  static Tensor reflected_shares(const Tensor& shares,
                                 const Symmetry& s) {  // left, right, below, above, held
    std::vector<std::int64_t> order{0, 1, 2, 3, 4};
    if (s.flip_x) std::swap(order[0], order[1]);
    if (s.flip_y) std::swap(order[2], order[3]);
    if (s.exchange) order = {order[2], order[3], order[0], order[1], order[4]};
    return shares.index_select(1, torch::tensor(order).to(shares.device()));
  }

  void add_pairs(const TrainSet& set, Precision precision) {
    const Grid& grid = set.info.grid;
    const ModelCard& card = model_.card;
    const auto known = known_setup(card.setup);
    const bool solves = knows_equation(card.setup, card.location);
    std::vector<Tensor> base_errors;
    for (std::int64_t at = 0; at < set.permeability.size(0); at += 64) {
      const auto k = set.permeability.slice(0, at, at + 64);
      base_errors.push_back(model_.direct(k, grid, precision) - set.pressure.slice(0, at, at + 64));
    }
    const auto base_error = torch::cat(base_errors);
    add_base_alone(set, base_error);
    const auto k = set.permeability.to(torch::kFloat64);
    const auto p = set.pressure.to(torch::kFloat64);
    const Resolution own = resolution_of(k);
    // The data's own grid, half of it, and grids of oblong cells; what is not the data's own has to be solved.
    std::vector<Resolution> grids{own, half(own)};
    if (solves) grids.insert(grids.end(), {{own.nx, own.ny / 2}, {own.nx, own.ny / 3}});
    const auto pressure_on = [&](const Resolution& r) {
      if (r == own) return p;
      return solves ? solve(restricted(k, r, card.location), grid, *known) : restricted(p, r, card.location);
    };
    for (const Resolution& fine : grids) {
      if (!can_refine(fine)) continue;
      pairs_.push_back(make_pair(restricted(k, fine, card.location), pressure_on(fine),
                                 pressure_on(half(fine)), base_error, grid));
      parts_.push_back(set.split);
    }
  }

  // The base network's own error on its own grid.
  void add_base_alone(const TrainSet& set, const Tensor& base_error) {
    if (!can_refine({set.info.grid.nx, set.info.grid.ny})) return;
    const DarcyOperator darcy(set.permeability, set.info.grid, setup_for_defect(model_.card));
    const auto single = [](const Tensor& t) { return t.to(torch::kFloat32); };
    const auto zero = torch::zeros_like(set.pressure);
    pairs_.push_back({true, single(darcy.shares()), zero, single(-base_error), zero,
                      single(darcy.defect(set.pressure + base_error))});
    parts_.push_back(set.split);
  }

  static Tensor solve(const Tensor& k, const Grid& grid, const KnownSetup& setup) {
    const Resolution r = resolution_of(k);
    std::vector<Tensor> parts;
    for (std::int64_t at = 0; at < k.size(0); at += 64)
      parts.push_back(
          DarcyOperator(k.slice(0, at, at + 64), {r.nx, r.ny, grid.lx, grid.ly}, setup).solve(1e-8));
    return torch::cat(parts);
  }

  Pair make_pair(const Tensor& k, const Tensor& p, const Tensor& coarse_p, const Tensor& base_error,
                 const Grid& grid) const {
    const ModelCard& card = model_.card;
    const Resolution fine = resolution_of(k);
    const Resolution coarse = resolution_of(coarse_p);
    const DarcyOperator darcy(k, {fine.nx, fine.ny, grid.lx, grid.ly}, setup_for_defect(card));
    const auto start = interpolated(coarse_p, fine, card.location, model_.ends());
    const auto moved = interpolated(coarse_p + restricted(base_error, coarse, card.location), fine,
                                    card.location, model_.ends());
    const auto defect = darcy.defect(start);
    const auto single = [](const Tensor& t) { return t.to(torch::kFloat32); };
    return {false,
            single(darcy.shares()),
            single(p - start),
            single(start - moved),
            single(defect),
            single(darcy.defect(moved) - defect)};
  }

  SurrogateModel& model_;
  Precision precision_;
  std::vector<Pair> pairs_;
  std::vector<Split> parts_;
};

}  // namespace

bool can_refine(const Resolution& grid) {
  const Resolution coarse = half(grid);
  return std::min(coarse.nx, coarse.ny) >= 4;
}

std::unique_ptr<TrainTask> refinement_task(SurrogateModel& model, const TrainData& data,
                                           Precision precision) {
  return std::make_unique<RefinementTask>(model, data, precision);
}

}  // namespace mano
