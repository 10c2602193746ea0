// mano ensemble: mean, spread and percentiles of a quantity over random rock, by multilevel Monte Carlo.
//
//   mano ensemble --field lognormal --deviation 1 --correlation-length 0.1 --resolution 256x256
//        --quantity effective-permeability --tolerance 0.01 -o ensemble
//   mano ensemble --field lognormal --problem drive --resolution 128x128 --quantity pressure@0.3,0.4
//        --quantity outflow@right --tolerance 0.01,0.05 --model run -o ensemble
//
// The same command goes on where a killed one stopped.

#include <algorithm>
#include <cmath>

#include "apps/ensemble/outcome.hpp"
#include "apps/options/command_line.hpp"
#include "apps/options/field_source.hpp"
#include "apps/options/flow_options.hpp"
#include "apps/options/progress.hpp"
#include "apps/options/unit_options.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "core/version.hpp"
#include "datagen/generator.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

struct EnsembleOptions {
  FieldOptions field;
  FlowOptions flow;
  UnitOptions units;
  std::string resolution, tolerance, model, output, json, device = "auto";
  std::vector<std::string> quantities;
  double solver_tolerance = SolverOptions{}.relative_tolerance;
  std::optional<double> max_seconds;
  bool compare_plain = false, overwrite = false;
};

std::vector<double> parse_tolerances(const std::string& text, std::size_t quantities) {
  check(!text.empty(), "no tolerance: pass --tolerance T, the half-width of the mean's {:.0f} % interval",
        100 * kConfidence);
  std::vector<double> tolerances;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto value = parse_number(text.substr(begin, end - begin));
    check(value && std::isfinite(*value) && *value > 0,
          "tolerance is '{}'; it must be a number above zero, or one for each quantity, with commas", text);
    tolerances.push_back(*value);
    begin = end + 1;
  }
  if (tolerances.size() == 1) tolerances.resize(quantities, tolerances[0]);
  check(tolerances.size() == quantities, "{} tolerances for {} quantities; give one, or one for each",
        tolerances.size(), quantities);
  return tolerances;
}

// Without --resolution: as many cells as fit the domain's shape, from which on grids are halved.
Grid finest_of_all(const Grid& domain) {
  constexpr int kCells = 1024;  // along the shorter side
  Grid g = domain;
  const double ratio = std::max(g.lx, g.ly) / std::min(g.lx, g.ly);
  check(ratio <= 16, "the domain is {:g}x{:g}: say the grid with --resolution", g.lx, g.ly);
  const int longer = static_cast<int>(std::lround(4 * ratio)) * kCells / 4;
  g.nx = g.lx >= g.ly ? longer : kCells;
  g.ny = g.lx >= g.ly ? kCells : longer;
  return g;
}

constexpr int kFirstCells = 32;  // along the shorter side, of the first finest grid without --resolution

int first_finest(const std::vector<Grid>& grids) {
  for (std::size_t l = 0; l < grids.size(); ++l) {
    if (std::min(grids[l].nx, grids[l].ny) >= kFirstCells) return static_cast<int>(l);
  }
  return static_cast<int>(grids.size()) - 1;
}

// The folder with what was drawn so far, held by this run.
class Workplace {
 public:
  Workplace(const EnsembleOptions& o, const std::string& configuration, const PetscSession& session)
      : output_(o.output), folder_(o.output + ".part") {
    while (output_.has_filename() == false && output_.has_parent_path()) {
      output_ = output_.parent_path();
      folder_ = output_.string() + ".part";
    }
    int status = 0;
    std::string message;
    if (session.rank() == 0) {
      try {
        prepare(o, configuration);
      } catch (const Error& e) {
        status = e.exit_status();
        message = e.what();
      }
    }
    if (const int worst = session.maximum(status); worst != 0)
      throw Error(worst, status != 0 ? message : "rank 0 failed, see its line");
    if (session.rank() != 0) lock_.share(folder_);
  }

  const fs::path& folder() const { return folder_; }
  const fs::path& output() const { return output_; }

  // Rank 0: what `write` makes takes the place of the output, whole.
  void finish(const std::function<void(const fs::path&)>& write) {
    const fs::path result = folder_ / "result";
    fs::remove_all(result);
    fs::create_directories(result);
    write(result);
    fs::remove_all(output_);
    fs::rename(result, output_);
    sync_folder(output_.has_parent_path() ? output_.parent_path() : fs::path("."));
    fs::remove_all(folder_);
  }

 private:
  void prepare(const EnsembleOptions& o, const std::string& configuration) {
    check_writable(output_);
    check(!fs::exists(folder_) || fs::is_directory(folder_),
          "{} is in the way: it must be a folder or absent", folder_.string());
    check(!fs::exists(output_) || o.overwrite, "{} exists: choose another name or pass --overwrite",
          output_.string());
    check(!fs::exists(output_) || fs::exists(output_ / "ensemble.json"),
          "{} exists and is no result of mano ensemble: choose another name", output_.string());
    fs::create_directories(folder_);
    lock_.take(folder_, output_, "mano ensemble");
    const fs::path stored = folder_ / "configuration.json";
    if (fs::exists(stored)) {
      check(read_text(stored) == configuration,
            "{} holds an unfinished ensemble with other options: repeat those, or remove the folder",
            folder_.string());
    } else {
      write_text_atomically(stored, configuration);
    }
  }

  fs::path output_, folder_;
  GenerationLock lock_;
};

// A bar over the expected cost.
class Meter {
 public:
  Meter() : bar_("ensemble", "% of the work", 100) {}
  void round(double spent, double whole) {
    spent_ = spent;
    whole_ = whole;
  }
  void drawn(double cost) {
    if (whole_ > 0) bar_.update(static_cast<std::size_t>(100 * std::min(1.0, (spent_ + cost) / whole_)));
  }
  void clear() { bar_.clear(); }

 private:
  Progress bar_;
  double spent_ = 0.0, whole_ = 0.0;
};

// What plain Monte Carlo takes: a few samples for their time, all of them where it is to be run.
PlainMonteCarlo plain_monte_carlo(const EnsembleOptions& o, StoredSampler& sampler, const SampleStore& store,
                                  const MultilevelResult& result, const std::vector<double>& tolerances) {
  const Term finest{.fine = result.terms.back().fine, .coarse = std::nullopt};
  const double reach = normal_quantile(0.5 + 0.5 * kConfidence);
  double samples = 2;
  for (std::size_t q = 0; q < tolerances.size(); ++q) {
    const double variance = std::max(0.0, result.estimates[q].variance);
    samples = std::max(samples, std::ceil(variance * std::pow(reach / tolerances[q], 2)));
  }
  PlainMonteCarlo plain;
  constexpr double kTimed = 8;
  const double drawn = o.compare_plain ? samples : std::min(samples, kTimed);
  const bool whole = sampler.draw({{finest, static_cast<std::size_t>(drawn)}});
  const TermSeconds seconds = store.seconds(finest);
  if (seconds.samples == 0) return plain;
  plain.seconds_per_sample = seconds.all() / static_cast<double>(seconds.samples);
  plain.seconds = samples * plain.seconds_per_sample;
  if (!o.compare_plain || !whole) return plain;
  for (const LevelSamples& values : sampler.drawn(finest)) plain.estimates.push_back(estimate_of({values}));
  plain.samples = seconds.samples;
  plain.seconds_measured = seconds.all();
  return plain;
}

void ensemble(const EnsembleOptions& o, const Invocation& invocation) {
  const double start = seconds_now();
  // 1. What is asked for.
  const FieldSource source(o.field);
  check(!source.from_file(), "an ensemble needs random rock: pass --field KIND; mano solve takes files");
  const FlowSource flow(o.flow, o.field, settle_units(o.units, source));
  check(!flow.has_permeability_file() && !flow.has_source_file(),
        "--permeability-y and --source of a file hold one grid: an ensemble needs all; pass numbers");
  FlowOptions rock_only;
  rock_only.problem_name = "closed";
  rock_only.anisotropy = o.flow.anisotropy;
  const FlowSource rock(rock_only, o.field);
  check(!o.output.empty(), "no output: pass -o FOLDER");
  check(!o.quantities.empty(), "no quantity: pass --quantity NAME");
  check(o.solver_tolerance > 0 && o.solver_tolerance < 1, "solver tolerance is {}; it must lie in (0, 1)",
        o.solver_tolerance);
  check(!o.max_seconds || *o.max_seconds > 0, "max-seconds is {}; it must be above zero",
        o.max_seconds.value_or(0));
  const std::vector<double> tolerances = parse_tolerances(o.tolerance, o.quantities.size());
  const bool truth_is_finest = !o.resolution.empty();
  const Grid finest = truth_is_finest ? source.grid(o.resolution) : finest_of_all(source.grid("1x1"));
  const std::vector<Grid> grids = halved_grids(finest);
  const int most = static_cast<int>(grids.size()) - 1;

  // 2. Quantities and their problem, on every grid.
  EnsembleSetup setup{.source = &source, .flow = &flow, .rock = &rock, .tolerance = o.solver_tolerance};
  Sample ones;
  ones.permeability = Field(grids.back(), 1.0);
  const Problem problem = flow.problem(ones);
  for (const std::string& text : o.quantities)
    setup.quantities.push_back(parse_quantity(text, flow, problem));
  for (const Grid& grid : grids) LevelSolver(setup, grid);
  check_memory(2 * (solve_memory(finest) + source.memory(finest)),
               fmt::format("samples at {}", finest.resolution()));

  // 3. Where the samples go, so that a killed run goes on.
  nlohmann::json c = source.configuration();
  c.update({{"setup", flow.problem_name()},
            {"quantities", o.quantities},
            {"resolution", finest.resolution()},
            {"truth_is_finest", truth_is_finest},
            {"size", {finest.lx, finest.ly}},
            {"solver_tolerance", o.solver_tolerance},
            {"program_version", kVersion}});
  if (const auto changes = flow.configuration(); !changes.is_null()) c["flow"] = changes;
  const PetscSession session(invocation.petsc_options);
  Workplace workplace(o, c.dump(), session);
  catch_interrupts();
  const Ranks ranks{session.rank(), session.ranks(), [&](int value) { return session.maximum(value); }};
  EnsembleHierarchy hierarchy(setup, grids, truth_is_finest ? most : -1, nullptr);
  SampleStore store(workplace.folder(), session.rank());
  Meter meter;
  std::optional<double> deadline;
  if (o.max_seconds) deadline = start + *o.max_seconds;
  StoredSampler sampler(hierarchy, store, ranks, deadline, [&](double cost) { meter.drawn(cost); });

  // 4. Levels, samples, intervals.
  MultilevelOptions options{
      .tolerances = tolerances, .finest = truth_is_finest ? most : first_finest(grids), .most = most};
  options.progress = [&](double spent, double whole) { meter.round(spent, whole); };
  EnsembleOutcome outcome{.quantities = setup.quantities,
                          .tolerances = tolerances,
                          .grids = grids,
                          .truth_is_finest = truth_is_finest};
  outcome.result = run_multilevel(sampler, options);
  outcome.seconds = store.seconds().all();
  for (const Term& t : outcome.result.terms) outcome.seconds_by_term.push_back(store.seconds(t));
  outcome.plain = plain_monte_carlo(o, sampler, store, outcome.result, tolerances);
  meter.clear();
  for (const Quantity& q : setup.quantities) outcome.units.push_back(unit_of(q, flow.units()));
  outcome.wall_seconds = seconds_now() - start;
  outcome.description = fmt::format("{}, {:g}x{:g}, problem {}", source.description(), finest.lx, finest.ly,
                                    flow.problem_name());
  outcome.command_line = invocation.command_line;

  // 5. The result, whole or not at all.
  if (session.rank() != 0) return;
  print_outcome(outcome);
  write_json(o.json, to_json(outcome));
  if (!outcome.result.reached)
    throw RunFailed(
        fmt::format("the tolerance was not reached in the time given; the intervals above hold. The same "
                    "command goes on from {}",
                    workplace.folder().string()));
  workplace.finish([&](const fs::path& folder) {
    write_text_atomically(folder / "ensemble.json", to_json(outcome).dump(2) + "\n");
  });
  say("wrote " + workplace.output().string());
}

}  // namespace

std::function<void(const Invocation&)> add_ensemble(CLI::App& app) {
  auto o = std::make_shared<EnsembleOptions>();
  add_field_options(app, o->field);
  app.add_option("--resolution", o->resolution,
                 "Cells in x and y of the finest grid, which then is the truth by definition [as fine as the "
                 "tolerance "
                 "needs]")
      ->type_name("WxH");
  app.add_option(
         "--quantity", o->quantities,
         "effective-permeability (-x, -y), pressure@X,Y, mean-pressure, largest-pressure, outflow@SIDE, "
         "rate@WELL, bhp@WELL, mean-log-permeability; may be repeated")
      ->type_name("NAME")
      ->take_all();
  app.add_option(
         "--tolerance", o->tolerance,
         "Half-width of the 95 % interval of the mean; one number, or one for each quantity: 0.01,0.2")
      ->type_name("T");
  add_flow_options(app, o->flow);
  add_unit_options(app, o->units);
  app.add_option("--solver-tolerance", o->solver_tolerance, "Bound on the true relative residual [1e-10]");
  app.add_option("--max-seconds", o->max_seconds, "Stop on time, with the best estimate so far and status 1");
  app.add_flag("--compare-plain", o->compare_plain, "Run plain Monte Carlo to the same tolerance as well");
  app.add_option("-o,--output", o->output, "Folder of the result")->type_name("FOLDER");
  app.add_flag("--overwrite", o->overwrite, "Replace an existing result");
  add_json_option(app, o->json);
  app.footer("Options after -- go to PETSc.");
  return [o](const Invocation& invocation) { ensemble(*o, invocation); };
}

}  // namespace mano
