#include "apps/ensemble/control_model.hpp"

#include "core/error.hpp"

namespace mano {

namespace {

// Name of the problem whose pressures the quantities are of.
std::string problem_of(const EnsembleSetup& setup) {
  const std::vector<Quantity::Flow> flows = flows_of(setup);
  check(flows.size() == 1,
        "--model: the quantities need {} flows, and a model has learned one: leave it out, or ask for fewer "
        "quantities",
        flows.size());
  check(flows[0] != Quantity::Flow::displacement,
        "--model: an ensemble of displacements is sampled by the simulator alone: leave it out");
  if (flows[0] == Quantity::Flow::own) return setup.flow->problem_name();
  check(flows[0] == Quantity::Flow::along_x && setup.rock->configuration().is_null(),
        "--model: no model has learned the flow that an effective permeability along y or of anisotropic "
        "rock needs: leave "
        "it out");
  return "drive";
}

}  // namespace

void check_control_model(const Surrogate& surrogate, const EnsembleSetup& setup, const Grid& finest) {
  const std::string problem = problem_of(setup);
  const ModelCard& card = surrogate.card();
  check(card.classes.empty(), "--model: this model tells kinds of rock apart, it predicts no pressure");
  check(problem == card.problem_name,
        "--model: the quantities need the problem '{}', the model was trained for '{}'", problem,
        card.problem_name);
  check(card.lx == finest.lx && card.ly == finest.ly,
        "--model: the domain is {:g}x{:g}, the model was trained on {:g}x{:g}", finest.lx, finest.ly, card.lx,
        card.ly);
  check(card.location == Location::cell,
        "--model: the model was trained on values at the {}, cells are needed", to_string(card.location));
  surrogate.check_takes_inactive(setup.source->has_inactive(), "--inactive");
}

std::vector<int> control_levels(const Surrogate& surrogate, const std::vector<Grid>& grids, int finest) {
  constexpr std::size_t kMostCells = 64 * 64;
  std::vector<int> levels;
  for (int l = 0; l <= finest; ++l) {
    if (grids[l].cells() > kMostCells) break;
    try {
      surrogate.predict(Field(grids[l], 1.0));
      levels.push_back(l);
    } catch (const InvalidInput&) {  // too coarse for this network
    }
  }
  return levels;
}

}  // namespace mano
