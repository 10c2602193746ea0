// The refinement network, to what interpolation from a coarser grid leaves of the error.
//
// A pair of grids, fine and half as fine. With p the pressure of the fine one, q that of the coarse one (solved on the restricted
// permeability, or restricted where the equation is not recorded), P interpolation, R restriction and b the base network's error,
// what stands before a refinement on the fine rung is
//
//   P (q + w R b)        w = 0: from the exact coarse solution; w = 1: with the base's error as it stands; drawn in between and beyond
//
// and on the base's own grid p + b.
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

constexpr std::int64_t kSamplesAtOnce = 64;

Resolution half(const Resolution& r) {
  return {(r.nx + 1) / 2, (r.ny + 1) / 2};
}

// body(samples of `whole` [N, ...], first) in parts, joined again.
template <typename Body>
Tensor in_parts(const Tensor& whole, const Body& body) {
  std::vector<Tensor> parts;
  for (std::int64_t at = 0; at < whole.size(0); at += kSamplesAtOnce)
    parts.push_back(body(whole.slice(0, at, at + kSamplesAtOnce), at));
  return torch::cat(parts);
}

struct Pair {
  Grid grid;             // the fine one
  Tensor permeability;   // [N, 1, H, W], float32 as all
  Tensor pressure;       // p
  Tensor start;          // q on the coarse grid; on the base's own grid p
  Tensor error_of_base;  // R b, or b
  bool base_alone = false;
};

// What a batch of a pair asks of the network.
struct Question {
  Tensor shares, error, defect;  // [n, 5, H, W], [n, 1, H, W], [n, 1, H, W]
  Tensor least;                  // [n]: an error below is rounding
};

class RefinementTask : public TrainTask {
 public:
  RefinementTask(SurrogateModel& model, const TrainData& data, Precision precision)
      : TrainTask(*model.refinement), model_(model), precision_(precision) {
    const torch::NoGradGuard no_grad;
    for (const TrainSet& set : data.sets) add_pairs(set);
    // Errors as they will be, from one grid to the next.
    const auto first = torch::arange(std::min(kSamplesAtOnce, pairs_[1].pressure.size(0)));
    const Question q = question(pairs_[1], first.to(model.device), 1.0);
    model_.card.refinement_gain = (q.error.square().mean() / q.defect.square().mean()).sqrt().item<double>();
  }

  const char* name() const override { return "refinement"; }
  const std::vector<Split>& parts() const override { return parts_; }

  // The part of the error that is left: in validation after the last sweep.
  Tensor errors(std::size_t part, const Tensor& samples, std::optional<std::uint64_t> draw) const override {
    const auto index = samples.to(model_.device);
    const Pair& pair = pairs_[part];
    if (!draw) return 0.5 * (left(question(pair, index, 0.0), true) + left(question(pair, index, 1.0), true));
    const std::uint64_t bits = mix(*draw);
    const double uniform = static_cast<double>(bits >> 11) * 0x1p-53;
    const double w = pair.base_alone ? 1.0 : uniform < 0.25 ? 0.0 : 2.0 * (uniform - 0.25) / 0.75;
    return left(reflected_question(question(pair, index, w), bits % 8), false);
  }

 private:
  Question question(const Pair& pair, const Tensor& index, double w) const {
    const torch::NoGradGuard no_grad;
    const auto pick = [&](const Tensor& t) { return t.index_select(0, index).to(torch::kFloat64); };
    const auto pressure = pick(pair.pressure);
    const auto start = interpolated(pick(pair.start) + w * pick(pair.error_of_base), resolution_of(pressure),
                                    model_.card.location, model_.ends());
    const DarcyOperator darcy(pick(pair.permeability), pair.grid, setup_for_defect(model_.card));
    const auto single = [](const Tensor& t) { return t.to(torch::kFloat32); };
    return {single(darcy.shares()), single(model_.pinned(pressure - start)), single(darcy.defect(start)),
            single(1e-5 * pressure.flatten(1).norm(2, 1))};
  }

  // What the sweeps leave, each taken on what the one before has left: after the last, or the mean over all.
  Tensor left(const Question& q, bool last_alone) const {
    const auto whole = torch::maximum(q.error.flatten(1).norm(2, 1), q.least);
    Tensor error = q.error;
    Tensor defect = q.defect;
    Tensor sum = torch::zeros_like(whole);
    for (int i = 0; i < model_.card.sweeps; ++i) {
      const auto step = correction(network(), q.shares, defect, model_.card.refinement_gain, precision_);
      error = model_.pinned(error - step);
      defect = defect - apply_shares(q.shares, step);
      const auto after = error.flatten(1).norm(2, 1) / whole;
      sum = last_alone ? after : sum + after / model_.card.sweeps;
    }
    return sum;
  }

  // Bits for the directions and for the exchange of x and y. D^-1 A e = d has every symmetry, whatever the set-up.
  static Question reflected_question(const Question& q, unsigned bits) {
    const Symmetry s{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    std::vector<std::int64_t> order{0, 1, 2, 3, 4};  // left, right, below, above, held
    if (s.flip_x) std::swap(order[0], order[1]);
    if (s.flip_y) std::swap(order[2], order[3]);
    if (s.exchange) order = {order[2], order[3], order[0], order[1], order[4]};
    const auto channels = torch::tensor(order).to(q.shares.device());
    return {reflected(q.shares, s).index_select(1, channels), reflected(q.error, s), reflected(q.defect, s),
            q.least};
  }

  void add_pairs(const TrainSet& set) {
    const Resolution own{set.info.grid.nx, set.info.grid.ny};
    if (!can_refine(own)) return;
    const auto base_error = in_parts(set.permeability, [&](const Tensor& k, std::int64_t at) {
      return (model_.direct(k, set.info.grid, precision_) - set.pressure.slice(0, at, at + kSamplesAtOnce))
          .to(torch::kFloat32);
    });
    // Trained on, but validation asks what is left of interpolation's error.
    add({set.info.grid, set.permeability, set.pressure, set.pressure, base_error, true},
        {set.split.training, {}});
    // The data's own grid, half of it, and grids of oblong cells; what is not the data's own has to be solved.
    std::vector<Resolution> grids{own, half(own)};
    if (model_.card.knows_equation) grids.insert(grids.end(), {{own.nx, own.ny / 2}, {own.nx, own.ny / 3}});
    const Location location = model_.card.location;
    const auto half_pressure = pressure_on(set, half(own));  // coarse for one pair, fine for the next
    const auto pressure = [&](const Resolution& r) {
      return r == own ? set.pressure : r == half(own) ? half_pressure : pressure_on(set, r);
    };
    for (const Resolution& fine : grids) {
      if (!can_refine(fine)) continue;
      add({with_resolution(set.info.grid, fine), restricted(set.permeability, fine, location), pressure(fine),
           pressure(half(fine)), restricted(base_error, half(fine), location)},
          set.split);
    }
  }

  void add(Pair pair, const Split& split) {
    pairs_.push_back(std::move(pair));
    parts_.push_back(split);
  }

  // Of a coarser grid: solved, or restricted where the equation is not known.
  Tensor pressure_on(const TrainSet& set, const Resolution& r) const {
    const ModelCard& card = model_.card;
    if (!card.knows_equation) return restricted(set.pressure, r, card.location);
    const Grid grid = with_resolution(set.info.grid, r);
    return in_parts(set.permeability, [&](const Tensor& k, std::int64_t) {
      return DarcyOperator(restricted(k, r, card.location), grid, setup_for_defect(card))
          .solve(1e-8)
          .to(torch::kFloat32);
    });
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
