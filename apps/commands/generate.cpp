// mano generate: a dataset of permeability and pressure, every sample solved and verified.
//
//   mano generate --field two-phase --seed 1 --samples 1000 --resolution 64x64 --also 128x128 -o data.h5
//   mpirun -n 2 mano generate --field lognormal --samples 200 --resolution 64x64 --problem drive -o drive.h5
//   mpirun -n 8 mano generate --ranks-per-sample 4 --field two-phase --samples 10 --resolution 4096x4096 -o large.h5
//
//   mano generate --problem displacement --field two-phase --samples 1000 --resolution 64x64 -o history.h5
//
//   mano generate --device cuda --field two-phase --samples 100000 --resolution 64x64 -o many.h5
//
// The same command goes on where a killed one stopped.

#include <algorithm>
#include <limits>
#include <thread>

#include "apps/displacement/dataset_displacement.hpp"
#include "apps/options/command_line.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/field_source.hpp"
#include "apps/options/flow_options.hpp"
#include "apps/options/progress.hpp"
#include "apps/options/random_field_options.hpp"
#include "apps/options/unit_options.hpp"
#include "apps/samples/generation.hpp"
#include "apps/samples/verified_solve.hpp"
#include "apps/workflow/batched_generation.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "datagen/generator.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

namespace {

// Runs `work` on this rank; the ranks agree on the worst status. A rank that failed says so itself.
void run_on_ranks(const PetscSession& session, const std::function<void()>& work) {
  int status = 0;
  std::string message;
  try {
    work();
  } catch (const Error& e) {
    status = e.exit_status();
    message = e.what();
  } catch (const std::exception& e) {  // whatever it is: the others wait for this rank's word
    status = 1;
    message = e.what();
  }
  const int worst = session.maximum(status);
  if (worst == 0) return;
  if (status != 0 && session.rank() != 0)
    fmt::print(stderr, "mano generate: rank {}: error: {}\n", session.rank(), message);
  throw Error(worst, status != 0 ? message : "another rank failed, see its line");
}

// What the leader of a group tells the others: which sample to solve with it at which resolution, or that all is done.
constexpr std::uint64_t kAllDone = std::numeric_limits<std::uint64_t>::max();

struct DoneWhenLeft {
  const RankGroups& groups;
  ~DoneWhenLeft() { groups.broadcast(kAllDone); }
};

// A rank that fails alone in the midst of a common solve would leave the others waiting for it: end them all.
void together(const PetscSession& session, const GenerateOptions& o, const std::function<void()>& solve) {
  try {
    solve();
  } catch (const std::exception& e) {
    if (o.ranks_per_sample == 1) throw;
    fmt::print(stderr, "mano generate: error: rank {}: {}\n", session.rank(), e.what());
    session.abort(1);
  }
}

// What the program's own multigrid does not solve of a displacement, this rank's PETSc does.
TotalFlow::Spare spare_of(DarcySolver& solver, std::uint64_t sample) {
  return [&solver, sample](const Problem& problem) {
    const SolveResult result = solver.solve(problem);
    if (!result.converged)
      throw RunFailed(fmt::format("sample {}: no convergence of the pressure ({})", sample, result.reason));
    return result.pressure;
  };
}

// What `make` throws, naming the sample.
template <typename Make>
auto naming(const Sample& sample, const Make& make) {
  try {
    return make();
  } catch (const InvalidInput& e) {
    throw InvalidInput(
        fmt::format("sample {} at {}: {}", sample.number, sample.permeability.grid.resolution(), e.what()));
  }
}

GenerateTimes lead(const PetscSession& session, const GenerateOptions& o, const GenerateRequest& request,
                   const RankGroups& groups, const FieldSource& source, const FlowSource& flow,
                   const DisplacementSource* displacement, DarcySolver& solver) {
  const DoneWhenLeft done{groups};
  Progress progress("generate", "samples", request.samples);
  GenerateCallbacks callbacks;
  callbacks.draw = [&](std::uint64_t sample, const Grid& grid) {
    groups.broadcast(sample);
    groups.broadcast(std::find(request.grids.begin(), request.grids.end(), grid) - request.grids.begin());
    return source.sample(sample, grid);
  };
  callbacks.solve = [&](Sample& sample) {
    if (displacement != nullptr)
      return naming(sample, [&] {
        return simulate_sample(*displacement, sample, o.tolerance, spare_of(solver, sample.number));
      });
    const Problem problem = naming(sample, [&] { return flow.settle(sample); });
    VerifiedSolution solution;
    together(session, o, [&] { solution = verified_solve(solver, problem); });
    return solution;
  };
  callbacks.progress = [&](std::size_t finished) { progress.update(std::min(finished, request.samples)); };
  return generate_shards(request, callbacks, groups.number(), groups.count());
}

void follow(const PetscSession& session, const GenerateOptions& o, const GenerateRequest& request,
            const RankGroups& groups, const FieldSource& source, const FlowSource& flow,
            DarcySolver& solver) {
  while (true) {
    const std::uint64_t sample = groups.broadcast(0);
    if (sample == kAllDone) return;
    const Grid grid = request.grids.at(groups.broadcast(0));
    Sample drawn = source.sample(sample, grid);
    const Problem problem = naming(drawn, [&] { return flow.settle(drawn); });
    together(session, o, [&] { solver.solve(problem); });
  }
}

void say_written(const GenerateRequest& request) {
  for (std::size_t g = 0; g < request.grids.size(); ++g)
    say(fmt::format("wrote {}: {} samples of {} at {}, problem {}", output_path(request, g).string(),
                    request.samples, request.field, request.grids[g].resolution(), request.problem_name));
}

// What is made many samples at once; all else is refused rather than solved in another way.
void check_for_batches(const GenerateOptions& o, const FieldSource& source, const FlowSource& flow,
                       const Invocation& invocation) {
  check(!source.has_inactive(), "--device {} solves fields without inactive cells; leave it out", o.device);
  check(!source.from_file(), "--device {} needs a random field; leave it out for fields of a file", o.device);
  const std::string problem_name = flow.problem_name();
  check(flow.units().consistent(), "--device {} solves in consistent units; leave it out for {} ones",
        o.device, to_string(flow.units().system));
  check(flow.configuration().is_null() &&
            (problem_name == "benchmark" || problem_name == "drive" || problem_name == "five-spot"),
        "--device {} solves the problems benchmark, drive and five-spot as they are; leave it out for other "
        "conditions",
        o.device);
  check(invocation.petsc_options.empty(), "--device {} solves without PETSc: leave {} out", o.device,
        invocation.petsc_options.empty() ? "" : invocation.petsc_options.front());
  check(o.ranks_per_sample == 1 && launched_processes() == 1,
        "--device {} is for one process: leave mpirun and --ranks-per-sample out", o.device);
}

void run_in_batches(const GenerateOptions& o, const FieldSource& source, const GenerateRequest& request) {
  const double start = seconds_now();
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto maker_of = [&](const Grid& grid) {
    const BatchRequest batch{source.options().spec, request.seed, grid, request.problem_name,
                             request.tolerance};
    return o.device == "cuda" ? samples_on_gpu(batch, threads) : samples_by_threads(batch, threads);
  };
  for (const Grid& grid : request.grids) maker_of(grid);  // what cannot be done is refused before any work
  catch_interrupts();
  GenerationLock lock;
  if (prepare_generation(request, lock) == Prepared::complete) {
    say(fmt::format("{} is complete", request.output.string()));
    write_json(o.json, {{"samples", request.samples}, {"complete", true}});
    return;
  }
  Progress progress("generate", "samples", request.samples);
  const GenerateTimes times = generate_in_batches(
      request, maker_of, [&](std::size_t finished) { progress.update(std::min(finished, request.samples)); });
  const double generated = seconds_now();
  merge_shards(request);
  const double seconds = seconds_now() - start;
  progress.clear();
  say_written(request);
  say(fmt::format("{} {}: {:.3g} s making and checking samples, {:.3g} s writing, {:.3g} s merging",
                  duration_text(seconds),
                  o.device == "cuda" ? "on a GPU" : fmt::format("by {} threads", threads), times.solving,
                  times.writing, seconds_now() - generated));
  write_json(o.json, {{"samples", request.samples},
                      {"seconds", seconds},
                      {"seconds_solving", times.solving},
                      {"seconds_writing", times.writing},
                      {"device", o.device}});
}

void generate(GenerateDisplacementOptions o, const Invocation& invocation) {
  // 1. What is asked for.
  const FieldSource source(o.field);
  const Units units = settle_units(o.units, source);
  const auto displacement = displacement_of(o, source, units);
  check(!displacement || o.device == "cpu", "--device {} solves steady flow: leave it out for a displacement",
        o.device);
  check(!displacement || invocation.petsc_options.empty(),
        "a displacement takes no options of PETSc: leave {} out",
        invocation.petsc_options.empty() ? "" : invocation.petsc_options.front());
  const FlowSource flow(o.flow, source, units);
  check(!flow.has_permeability_file(),
        "{}: a dataset holds one permeability a cell; pass {}, or use mano solve",
        o.flow.permeability_y.empty() ? "--permeability-z" : "--permeability-y",
        o.flow.permeability_y.empty() ? "--anisotropy-z" : "--anisotropy");
  const GenerateRequest request =
      make_generate_request(o, source, flow, displacement, invocation.petsc_options);
  source.check_location(Location::cell);
  for (const Grid& grid : request.grids) {  // what cannot fit is refused before any work
    const std::size_t sources = flow.has_source_file() ? request.samples : 1;
    for (std::size_t s = 0; s < sources; ++s)
      flow.problem({.permeability = Field(grid, 1.0), .seed = request.seed, .number = request.first + s});
  }
  if (source.from_file()) {  // so is a field of the file that cannot be used
    for (std::size_t s = 0; s < request.samples; ++s) source.draw(request.first + s, request.grids[0]);
  }
  check_thickness(o.units, request.grids[0]);
  check(request.grids[0].flat() || o.device == "cpu",
        "a volume of {} is solved as steady flow by --device cpu", request.grids[0].resolution());
  check(o.device == "cpu" || o.device == "threads" || o.device == "cuda",
        "device is '{}', expected cpu, threads or cuda", o.device);
  if (o.device != "cpu") {
    check_for_batches(o, source, flow, invocation);
    run_in_batches(o, source, request);
    return;
  }
  const double start = seconds_now();
  const PetscSession session(invocation.petsc_options);
  run_on_ranks(session, [&] {
    for (const Grid& grid : request.grids) {
      check_memory((solve_memory(grid) + source.memory(grid)) * session.ranks(),
                   fmt::format("solving at {} on {} ranks", grid.resolution(), session.ranks()));
    }
  });
  catch_interrupts();

  // 2. Shards: every group of ranks draws, solves, verifies and writes its own.
  const RankGroups groups(session, o.ranks_per_sample);
  GenerationLock lock;
  bool complete = false;
  run_on_ranks(session, [&] {
    if (session.rank() != 0) return;
    note_permeabilities_left_out(o.flow, source, request.grids[0]);
    complete = prepare_generation(request, lock) == Prepared::complete;
    note_unit_domain(units, source, request.grids[0]);
    note_rough_field(source.options(), request.grids[0]);
  });
  if (session.maximum(complete ? 1 : 0) == 1) {
    say(fmt::format("{} is complete", request.output.string()));
    if (session.rank() == 0) write_json(o.json, {{"samples", request.samples}, {"complete", true}});
    return;
  }
  run_on_ranks(session, [&] {
    if (session.rank() != 0) lock.share(request);
  });
  GenerateTimes times;
  run_on_ranks(session, [&] {
    DarcySolver solver({.relative_tolerance = o.tolerance, .group = &groups});
    if (groups.leads()) {
      times =
          lead(session, o, request, groups, source, flow, displacement ? &*displacement : nullptr, solver);
    } else {
      follow(session, o, request, groups, source, flow, solver);
    }
  });

  // 3. One file a resolution, by rename.
  const double generated = seconds_now();
  run_on_ranks(session, [&] {
    if (session.rank() == 0) merge_shards(request);
  });
  if (session.rank() != 0) return;
  const double seconds = seconds_now() - start;
  const double merging = seconds_now() - generated;
  nlohmann::json resolutions;
  for (std::size_t g = 0; g < request.grids.size(); ++g) {
    resolutions.push_back({request.grids[g].nx, request.grids[g].ny});
    if (!request.grids[g].flat()) resolutions.back().push_back(request.grids[g].nz);
  }
  say_written(request);
  say(fmt::format("{} on {} rank{}: {:.3g} s solving, {:.3g} s writing on rank 0, {:.3g} s merging",
                  duration_text(seconds), session.ranks(), session.ranks() == 1 ? "" : "s", times.solving,
                  times.writing, merging));
  write_json(o.json, {{"samples", request.samples},
                      {"resolutions", resolutions},
                      {"seconds", seconds},
                      {"seconds_solving", times.solving},
                      {"seconds_writing", times.writing},
                      {"seconds_merging", merging},
                      {"ranks", session.ranks()},
                      {"ranks_per_sample", o.ranks_per_sample}});
}

}  // namespace

std::function<void(const Invocation&)> add_generate(CLI::App& app) {
  auto o = std::make_shared<GenerateDisplacementOptions>();
  add_field_options(app, o->field);
  app.add_option("--samples", o->samples, "Number of samples [all fields of a file]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--first", o->first,
                 "Number of the first sample: independent jobs share a seed, each with its own range; mano "
                 "merge joins them [0]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--ranks-per-sample", o->ranks_per_sample,
                 "MPI ranks that share one sample, for grids on which one rank is too slow [1]")
      ->check(CLI::PositiveNumber);
  app.add_option("--resolution", o->resolution, "Cells in x and y, and layers of a volume [a file's own]")
      ->type_name("WxH[xD]");
  app.add_option("--also", o->also,
                 "Further resolutions: the same samples, each solved anew, in files of their own")
      ->type_name("WxH,...");
  add_flow_options(app, o->flow);
  add_random_wells_option(app, o->flow);
  add_unit_options(app, o->units);
  add_displacement_options(app, o->displacement);
  app.add_option("--driven-by", o->driven_by,
                 "With --problem displacement: five-spot, drive, benchmark or closed, changed by the options "
                 "above [five-spot; closed with any that "
                 "drives flow]")
      ->group("Displacement");
  app.add_option("--tolerance", o->tolerance, "Bound on the true relative residual [1e-10]");
  app.add_option("--precision", o->precision, "float64 or float32 in the file [float64]");
  app.add_option("--device", o->device,
                 "cpu (PETSc and MPI), or many samples at once without either: threads, or cuda (a GPU; up "
                 "to 32768 cells a sample) [cpu]");
  app.add_option("-o,--output", o->output, "Dataset, .h5; further resolutions get -WxH before the dot")
      ->type_name("FILE");
  app.add_flag("--overwrite", o->overwrite, "Replace existing datasets");
  add_json_option(app, o->json);
  app.footer("Options after -- go to PETSc.");
  return [o](const Invocation& invocation) { generate(*o, invocation); };
}

}  // namespace mano
