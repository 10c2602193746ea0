// The refinement network, to what interpolation from a coarser grid leaves of the error.
//
// A pair of grids, fine and half as fine. With p the pressure of the fine one, q that of the coarse one (solved on the restricted
// permeability, or restricted where the equation is not recorded), P interpolation, R restriction and b the base network's error,
// what stands before a refinement on the fine level is
//
//   P (q + w R b)        w = 0: from the exact coarse solution; w = 1: with the base's error as it stands; drawn in between and beyond
//
// and on the network's own grid p + b.

#include <array>
#include <cmath>

#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/darcy_operator.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/refinement.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/training/symmetry.hpp"
#include "surrogate/training/train_task.hpp"

namespace mano {

using torch::Tensor;

namespace {

constexpr std::int64_t kSamplesForGain = 64;

Resolution half(const Resolution& r) {
  return {(r.nx + 1) / 2, (r.ny + 1) / 2};
}

// What stands before the refinement, with w still open: error + w base_error, defect + w base_defect.
struct Pair {
  Tensor shares;               // [N, 5, H, W], float32 as all
  Tensor error, base_error;    // [N, 1, H, W]
  Tensor defect, base_defect;  // [N, 1, H, W]
  Tensor least;                // [N]: an error below is rounding
  bool base_alone = false;
};

// What a batch of a pair asks of the network.
struct Question {
  Tensor shares, error, defect;  // [n, 5, H, W], [n, 1, H, W], [n, 1, H, W]
  Tensor least;                  // [n]: an error below is rounding
};

class RefinementTask : public TrainTask {
 public:
  RefinementTask(SurrogateModel& model, const TrainData& data, const TrainRequest& request)
      : TrainTask(*model.refinement, data.storage), model_(model), precision_(precision_of(request)) {
    const torch::NoGradGuard no_grad;
    for (const TrainSet& set : data.sets) add_pairs(set);
    // Errors as they will be, from one grid to the next.
    const Pair& own = pairs_[pairs_.front().base_alone ? 1 : 0];
    const auto some = torch::arange(std::min(kSamplesForGain, own.error.size(0))).to(storage_);
    const Question q = with_share(own, some, 1.0);
    model_.card.refinement_gain = (q.error.square().mean() / q.defect.square().mean()).sqrt().item<double>();
  }

  const char* name() const override { return "refinement"; }
  const std::vector<Split>& parts() const override { return parts_; }

  // The members of Question, in their order.
  std::vector<Tensor> question(std::size_t part, const Tensor& samples, std::uint64_t draw) const override {
    const Pair& pair = pairs_[part];
    const std::uint64_t bits = mix(draw);
    const double uniform = static_cast<double>(bits >> 11) * 0x1p-53;
    const double w = pair.base_alone ? 1.0 : uniform < 0.25 ? 0.0 : 2.0 * (uniform - 0.25) / 0.75;
    const Question q = reflected_question(with_share(pair, samples.to(storage_), w), bits % 8);
    return {q.shares, q.error, q.defect, q.least};
  }

  // The part of the error that is left: the mean over the steps, in validation after the last one.
  Tensor errors_of(std::size_t, const std::vector<Tensor>& q) const override {
    return left({q[0], q[1], q[2], q[3]}, false);
  }

  Tensor validation_errors(std::size_t part, const Tensor& samples) const override {
    const auto index = samples.to(storage_);
    const Pair& pair = pairs_[part];
    return 0.5 * (left(with_share(pair, index, 0.0), true) + left(with_share(pair, index, 1.0), true));
  }

 private:
  Question with_share(const Pair& pair, const Tensor& index, double w) const {
    const auto pick = [&](const Tensor& t) { return take(t, index, model_.device); };
    return {pick(pair.shares), pick(pair.error) + w * pick(pair.base_error),
            pick(pair.defect) + w * pick(pair.base_defect), pick(pair.least)};
  }

  // What the steps leave, each taken on what the one before has left: after the last, or the mean over all.
  Tensor left(const Question& q, bool last_alone) const {
    const auto whole = torch::maximum(q.error.flatten(1).norm(2, 1), q.least);
    Tensor error = q.error;
    Tensor defect = q.defect;
    Tensor sum = torch::zeros_like(whole);
    // An inactive cell's faces are closed.
    const Tensor active = model_.card.takes_inactive() ? q.shares.sum(1, true) : Tensor();
    for (int i = 0; i < model_.card.correction_steps; ++i) {
      const auto step =
          hidden(correction(network(), q.shares, defect, model_.card.refinement_gain, precision_), active);
      error = model_.pinned(error - step, active);
      defect = defect - apply_shares(q.shares, step);
      const auto after = error.flatten(1).norm(2, 1) / whole;
      sum = last_alone ? after : sum + after / model_.card.correction_steps;
    }
    return sum;
  }

  // Bits for the directions and for the exchange of x and y. D^-1 A e = d has every symmetry, whatever the problem.
  static Question reflected_question(const Question& q, unsigned bits) {
    const Symmetry s{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    std::array<int, 5> order{0, 1, 2, 3, 4};  // left, right, below, above, held
    if (s.flip_x) std::swap(order[0], order[1]);
    if (s.flip_y) std::swap(order[2], order[3]);
    if (s.exchange) order = {order[2], order[3], order[0], order[1], order[4]};
    std::vector<Tensor> shares;
    for (const int channel : order) shares.push_back(q.shares.narrow(1, channel, 1));
    return {reflected(torch::cat(shares, 1), s), reflected(q.error, s), reflected(q.defect, s), q.least};
  }

  void add_pairs(const TrainSet& set) {
    const ModelCard& card = model_.card;
    const Resolution own{set.info.grid.nx, set.info.grid.ny};
    if (!can_refine(own)) return;
    std::vector<std::pair<Resolution, Tensor>>
        known;  // a grid may be fine in one pair and coarse in the next
    const auto pressure = [&](const Resolution& r) {
      for (const auto& [resolution, values] : known)
        if (resolution == r) return values;
      return known.emplace_back(r, pressure_at(set, r, card)).second;
    };
    // The network's own grid: trained on, but validation asks what is left of interpolation's error.
    const Resolution first = card.network_grid(own);
    const Grid grid = with_resolution(set.info.grid, first);
    const auto permeability = permeability_at(set, first, card);
    const auto base_error = in_parts(permeability, [&](const Tensor& k, std::int64_t at) {
      return model_.direct(k.to(model_.device), grid, precision_).to(torch::kFloat32).to(storage_) -
             pressure(first).slice(0, at, at + k.size(0));
    });
    if (can_refine(first)) {
      pairs_.push_back(pair_of(grid, permeability, pressure(first), pressure(first), base_error));
      pairs_.back().base_alone = true;
      parts_.push_back({set.split.training, {}});
    }
    // The data's own grid, half of it, and grids of oblong cells; what is not the data's own has to be solved. Where the equation is
    // known an epoch takes fewer fields of what has more points, so that every pair costs the same.
    std::vector<Resolution> grids{own, half(own)};
    if (card.knows_equation) grids.insert(grids.end(), {{own.nx, own.ny / 2}, {own.nx, own.ny / 3}});
    for (const Resolution& fine : grids) {
      if (!can_refine(fine)) continue;
      const auto start = interpolated(pressure(half(fine)).to(torch::kFloat64), active(set, half(fine)),
                                      active(set, fine), fine, card.location, model_.ends());
      pairs_.push_back(pair_of(with_resolution(set.info.grid, fine), permeability_at(set, fine, card),
                               pressure(fine), start,
                               carried(set, carried(set, base_error, half(fine)), fine)));
      parts_.push_back(set.split);
      if (card.knows_equation) parts_.back().at_most = fields_of_equal_cost(set.split, half(own), fine);
    }
  }

  static double points(const Resolution& r) { return static_cast<double>(r.nx) * r.ny; }

  static std::size_t fields_of_equal_cost(const Split& split, const Resolution& reference,
                                          const Resolution& fine) {
    const double part = std::min(1.0, points(reference) / points(fine));
    return static_cast<std::size_t>(std::ceil(part * static_cast<double>(split.training.size())));
  }

  // An error on another grid: it is zero where the pressure is prescribed.
  Tensor carried(const TrainSet& set, const Tensor& error, const Resolution& target) const {
    const Resolution from = resolution_of(error);
    const Resolution finer{std::max(from.nx, target.nx), std::max(from.ny, target.ny)};
    const Tensor part = active(set, finer);
    return restricted(
        interpolated(error, active(set, from), part, finer, model_.card.location, model_.ends_of_error()),
        part, target, model_.card.location);
  }

  Tensor active(const TrainSet& set, const Resolution& grid) const {
    return model_.active_on(set.permeability, grid);
  }

  // From permeability, pressure, what was interpolated in its place, and the base's error there.
  Pair pair_of(const Grid& grid, const Tensor& permeability, const Tensor& pressure, const Tensor& start,
               const Tensor& base_error) const {
    const auto whole = in_parts(permeability, [&](const Tensor& k, std::int64_t at) {
      const auto part = [&](const Tensor& t) { return t.slice(0, at, at + k.size(0)).to(torch::kFloat64); };
      const DarcyOperator darcy(k, grid, problem_for_defect(model_.card),
                                model_.active_on(k, resolution_of(k)));
      return torch::cat({darcy.shares(), darcy.defect(part(start)),
                         -darcy.apply(part(base_error)) / darcy.diagonal()},
                        1)
          .to(torch::kFloat32);
    });
    Pair pair;
    pair.shares = whole.narrow(1, 0, 5).contiguous();
    pair.defect = whole.narrow(1, 5, 1).contiguous();
    pair.base_defect = whole.narrow(1, 6, 1).contiguous();
    const Tensor part = model_.active_on(permeability, resolution_of(permeability));
    pair.error = model_.pinned(pressure.to(torch::kFloat64) - start, part).to(torch::kFloat32);
    pair.base_error = model_.pinned(-base_error, part).to(torch::kFloat32);
    pair.least = 1e-5 * pressure.flatten(1).norm(2, 1);
    return pair;
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
                                           const TrainRequest& request) {
  return std::make_unique<RefinementTask>(model, data, request);
}

}  // namespace mano
