#include "apps/workflow/cycle_options.hpp"

#include "core/error.hpp"

namespace mano {

void add_cycle_options(CLI::App& app, CycleOptions& options) {
  app.add_option(
         "--cycles", options.cycles,
         "Cycles through the grid hierarchy; 0: the network and interpolation alone [the model's own]")
      ->type_name("N");
  app.add_option("--accuracy", options.accuracy,
                 "As few cycles as left this mean relative L2 error on the training's held-out part")
      ->type_name("ERROR");
}

void apply_cycles(const CycleOptions& options, bool by_multigrid, Surrogate& surrogate) {
  check(!options.cycles || !options.accuracy, "--cycles excludes --accuracy");
  check(by_multigrid || !options.given(),
        "--cycles and --accuracy are for predictions by multigrid and their interpolation: leave --method or "
        "--direct out");
  if (options.accuracy) surrogate.set_cycles(surrogate.cycles_for(*options.accuracy));
  if (options.cycles) surrogate.set_cycles(*options.cycles);
}

}  // namespace mano
