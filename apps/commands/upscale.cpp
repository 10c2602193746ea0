// mano upscale: the effective permeability of a field, by the flow that a unit pressure drop drives through it.
//
//   mano upscale --field lognormal --seed 1 --resolution 256x256
//   mano upscale --permeability data/spe10_model1_permx.grdecl --grid 100x1x20 --section 1 --size 2500x50

#include "apps/options/command_line.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/field_source.hpp"
#include "apps/options/flow_options.hpp"
#include "apps/options/random_field_options.hpp"
#include "apps/options/unit_options.hpp"
#include "apps/samples/upscaling.hpp"
#include "apps/samples/verified_solve.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "solver/darcy_solver.hpp"
#include "solver/flow.hpp"

namespace mano {

namespace {

struct UpscaleOptions {
  FieldOptions field;
  FlowOptions flow;
  UnitOptions units;
  std::string resolution, json;
  double tolerance = SolverOptions{}.relative_tolerance;
};

nlohmann::json direction(const EffectivePermeability& k) {
  return {{"effective", k.effective},
          {"harmonic_mean", k.harmonic_mean},
          {"geometric_mean", k.geometric_mean},
          {"arithmetic_mean", k.arithmetic_mean}};
}

void upscale(const UpscaleOptions& o, const Invocation& invocation) {
  const FieldSource source(o.field);
  const Grid grid = source.volume(o.resolution);
  FlowOptions closed = with_permeabilities_of_file(o.flow, source, grid);
  closed.problem_name = "closed";  // nothing but the pressure drop drives the flow
  note_rough_field(source.options(), grid);
  const FlowSource flow(closed, source);  // in any units: the effective permeability is in those of the rock
  const Units units = settle_units(o.units, source);
  check(o.tolerance > 0 && o.tolerance < 1, "tolerance is {}; it must lie in (0, 1)", o.tolerance);
  const std::uint64_t sample = o.field.sample.value_or(0);
  source.check_location(Location::cell);
  check_memory(solve_memory(grid) + source.memory(grid), fmt::format("upscaling at {}", grid.resolution()));
  const Problem rock = flow.problem(source.sample(sample, grid));
  const PetscSession session(invocation.petsc_options);

  DarcySolver solver({.relative_tolerance = o.tolerance});
  const std::vector<EffectivePermeability> k =
      upscaled(rock, [&](const Problem& problem) { return verified_solve(solver, problem); });
  say(fmt::format("{}, {} on {}", source.description(), grid.resolution(), grid.size()));
  if (!units.consistent()) say(fmt::format("permeability in {}", units.names().permeability));
  say("     effective     harmonic mean  geometric mean  arithmetic mean");
  for (std::size_t d = 0; d < k.size(); ++d)
    say(fmt::format("k{}   {:<12.6g}  {:<13.6g}  {:<14.6g}  {:.6g}", "xyz"[d], k[d].effective,
                    k[d].harmonic_mean, k[d].geometric_mean, k[d].arithmetic_mean));
  if (session.rank() != 0) return;
  nlohmann::json json{{"command", "upscale"},
                      {"resolution", {grid.nx, grid.ny}},
                      {"size", {grid.lx, grid.ly}},
                      {"kx", direction(k[0])},
                      {"ky", direction(k[1])}};
  if (!grid.flat()) {
    json["resolution"].push_back(grid.nz);
    json["size"].push_back(grid.lz);
    json["kz"] = direction(k[2]);
  }
  if (!units.consistent()) json["units"] = {{"permeability", units.names().permeability}};
  write_json(o.json, json);
}

}  // namespace

std::function<void(const Invocation&)> add_upscale(CLI::App& app) {
  auto o = std::make_shared<UpscaleOptions>();
  add_field_options(app, o->field);
  app.add_option("--sample", o->field.sample, "Which sample of the seed, or field of the file [0]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--resolution", o->resolution, "Cells in x and y, and layers of a volume [a file's own]")
      ->type_name("WxH[xD]");
  add_anisotropy_options(app, o->flow);
  app.add_option("--units", o->units.system,
                 "consistent, metric or field: what the permeability is in [what its file says, else "
                 "consistent]");
  app.add_option("--tolerance", o->tolerance, "Relative tolerance [1e-10]");
  add_json_option(app, o->json);
  app.footer("Options after -- go to PETSc.");
  return [o](const Invocation& invocation) { upscale(*o, invocation); };
}

}  // namespace mano
