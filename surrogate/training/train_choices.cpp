#include "surrogate/training/train_choices.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "surrogate/multigrid/refinement.hpp"
#include "surrogate/training/symmetry.hpp"
#include "surrogate/training/train_task.hpp"

namespace mano {

void check_request(const TrainRequest& r) {
  check(!r.resume || !r.overwrite,
        "--resume goes on with what {} holds and --overwrite begins anew there: pass one of them",
        r.run.string());
  check(r.epochs > 0, "epochs is {}; it must be at least 1", r.epochs);
  check(r.refine_epochs >= 0, "refine epochs is {}; it must not be negative", r.refine_epochs);
  check(r.correction_steps >= 0 && r.correction_steps <= 64, "correction-steps is {}; it must lie in [0, 64]",
        r.correction_steps);
  check(r.cycles >= 0 && r.cycles <= 64, "cycles is {}; it must lie in [0, 64]", r.cycles);
  check(r.coarsening >= 0, "coarsening is {}; it must be at least 1", r.coarsening);
  check(r.batch > 0, "batch is {}; it must be at least 1", r.batch);
  check(r.accumulate > 0, "accumulate is {}; it must be at least 1", r.accumulate);
  check(!r.bfloat16 || r.architecture.model == Architecture::Model::mano,
        "precision bf16 is for mano alone; {} trains in fp32", to_string(r.architecture.model));
  check(learning_rate(r) > 0, "learning rate is {}; it must be above zero", learning_rate(r));
  check(weight_decay(r) >= 0, "weight decay is {}; it must not be negative", weight_decay(r));
  check(r.warm_up >= 0 && r.warm_up < 1, "warm-up is {}; it must lie in [0, 1)", r.warm_up);
  check(r.gradient_clip > 0, "gradient clip is {}; it must be above zero", r.gradient_clip);
  check(r.held_out > 0 && r.held_out < 1, "held-out fraction is {}; it must lie in (0, 1)", r.held_out);
  check(!r.classify || !r.fresh, "--task classify takes datasets, not --generate");
  check(!r.classify || r.coarsening <= 1,
        "--task classify looks at the fields as they are, without --coarsening");
  check(!r.classify || !r.exchange,
        "--exchange is for pressures; --task classify reflects its fields anyway");
  check(!r.max_seconds || *r.max_seconds > 0, "max seconds is {}; it must be above zero",
        r.max_seconds.value_or(0));
  check(r.refinement == "auto" || r.refinement == "residual" || r.refinement == "approximate" ||
            r.refinement == "none",
        "refinement is '{}', expected auto, residual, approximate or none", r.refinement);
}

namespace {

bool refines(const TrainRequest& r, const TrainData& data) {
  return !r.classify && !data.card.history && r.refinement != "none" && r.refine_epochs > 0 &&
         std::any_of(data.sets.begin(), data.sets.end(), [](const TrainSet& set) {
           return can_refine({set.info.grid.nx, set.info.grid.ny});
         });
}

bool residual_form(const TrainRequest& r, const ModelCard& card) {
  return r.refinement != "approximate" && !card.history && knows_equation(card.problem_name, card.location);
}

// The hierarchy leads from the network's grid to the data's, by doubling. Where it knows the equation, the coarsest grid that the
// network takes and that keeps kFewestPoints: every point there costs least and sees most of the domain.
int coarsening(const TrainRequest& r, const TrainData& data, const TrainChoices& choices) {
  constexpr int kFewestPoints = 16;
  if (r.coarsening > 0) return r.coarsening;
  if (!choices.refines || !choices.residual_form) return 1;
  const auto takes = [&](int c) {
    return std::all_of(data.sets.begin(), data.sets.end(), [&](const TrainSet& set) {
      const Grid& g = set.info.grid;
      return g.nx % c == 0 && g.ny % c == 0 && std::min(g.nx, g.ny) / c >= kFewestPoints &&
             takes_grid(r.architecture, g.ny / c, g.nx / c);
    });
  };
  int c = 1;
  while (takes(2 * c)) c *= 2;
  return c;
}

void check_grids(const TrainRequest& r, const TrainData& data, int c) {
  for (std::size_t i = 0; i < data.sets.size(); ++i) {
    const Grid& g = data.sets[i].info.grid;
    check(g.nx % c == 0 && g.ny % c == 0, "{}: coarsening is {}, which does not divide {}x{}",
          data.card.data[i].file, c, g.nx, g.ny);
    check_grid(r.architecture, g.ny / c, g.nx / c);
  }
}

void check_exchange(const TrainRequest& r, const TrainData& data) {
  if (!r.exchange) return;
  const std::string& file = data.card.data.front().file;
  check(!known_problem(data.card.problem_name),
        "--exchange is for data whose problem is unknown; the problem of {} is {}, whose symmetries are used "
        "without it",
        file, data.card.problem_name);
  for (const TrainSet& set : data.sets) {
    const Grid& g = set.info.grid;
    check(can_exchange(g),
          "--exchange needs a square of as many points in x as in y; {} is {}x{} points on {:g}x{:g}", file,
          g.nx, g.ny, g.lx, g.ly);
  }
}

void check_refinement(const TrainRequest& r, const ModelCard& c, const TrainChoices& choices) {
  check(r.refinement != "residual" || choices.residual_form,
        "refinement is 'residual', but {} does not record its equation (problem {}, values at the {}): use "
        "--refinement approximate",
        c.data.front().file, c.problem_name, to_string(c.location));
  check(r.cycles <= 1 || (choices.residual_form && choices.refines),
        "cycles is {}, but all after the first need a refinement of the equation's own residual, which {} "
        "with these options does not get: leave --cycles out",
        r.cycles, c.data.front().file);
  check(r.refinement == "auto" || r.refinement == "none" || choices.refines,
        "refinement is '{}', but {} has too few points to coarsen, or --refine-epochs is 0", r.refinement,
        c.data.front().file);
}

}  // namespace

TrainChoices choose(const TrainRequest& r, const TrainData& data) {
  TrainChoices c;
  c.refines = refines(r, data);
  c.residual_form = residual_form(r, data.card);
  c.coarsening = coarsening(r, data, c);
  c.correction_steps = r.correction_steps > 0 ? r.correction_steps : c.residual_form ? 3 : 1;
  c.cycles = r.cycles > 0 ? r.cycles : default_cycles(c.residual_form);
  check_grids(r, data, c.coarsening);
  check_exchange(r, data);
  check_refinement(r, data.card, c);
  return c;
}

}  // namespace mano
