#pragma once
// How many cycles through the grid hierarchy a prediction takes: what predict, evaluate and compare share.

#include <CLI/CLI.hpp>
#include <optional>

#include "surrogate/surrogate.hpp"

namespace mano {

struct CycleOptions {
  std::optional<int> cycles;
  std::optional<double> accuracy;

  bool given() const { return cycles || accuracy; }
};

void add_cycle_options(CLI::App& app, CycleOptions& options);

/// Throws InvalidInput for both at once, for either where the prediction is not by multigrid, and for what the model cannot do.
void apply_cycles(const CycleOptions& options, bool by_multigrid, Surrogate& surrogate);

}  // namespace mano
