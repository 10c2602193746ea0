#include "apps/workflow/fresh_samples.hpp"

#include "apps/options/field_source.hpp"
#include "batch/plan.hpp"
#include "batch/sample_maker.hpp"
#include "core/error.hpp"
#include "core/version.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

void add_fresh_options(CLI::App& app, FreshOptions& o) {
  const std::string group = "Fresh samples, in place of --data";
  app.add_option(
         "--generate", o.field.field,
         "Train on samples made during training, new ones in each epoch: two-phase, lognormal, layered, "
         "channels")
      ->type_name("KIND")
      ->group(group);
  app.add_option("--resolution", o.resolution, "Cells of these samples in x and y")
      ->type_name("WxH")
      ->group(group);
  app.add_option("--samples", o.samples, "New samples in each epoch [1000]")->group(group);
  app.add_option("--problem", o.problem_name, "benchmark, drive or five-spot [benchmark]")->group(group);
  app.add_option("--field-seed", o.field.seed, "Seed of the fields [0]")->group(group);
  app.add_option("--generate-threads", o.threads, "CPU threads that make these samples during training [1]")
      ->group(group);
  add_random_field_options(app, o.field, group);
}

bool wants_fresh(const FreshOptions& o) {
  return !o.field.field.empty();
}

FreshSamples fresh_samples(const FreshOptions& o, const TrainRequest& request) {
  check(!o.resolution.empty(), "--generate {} needs the size of its samples: pass --resolution WxH",
        o.field.field);
  check(o.field.field != "file", "--generate takes random fields; pass a file's dataset with --data");
  check(o.samples >= 2, "--samples is {}; it must be at least 2", o.samples);
  check(o.threads >= 1, "--generate-threads is {}; it must be at least 1", o.threads);
  check(request.data.empty(), "--data and --generate exclude each other: leave one out");
  const FieldSource source(o.field);
  BatchRequest batch{source.options().spec, o.field.seed, source.grid(o.resolution), o.problem_name};
  FreshSamples fresh;
  fresh.info.grid = batch.grid;
  fresh.info.samples = o.samples;
  fresh.info.problem_name = o.problem_name;
  fresh.info.field = source.kind();
  fresh.info.tolerance = batch.tolerance;
  nlohmann::json c = source.configuration();
  c.update({{"setup", o.problem_name},
            {"first", 0},
            {"samples", fresh.held_out(request) + static_cast<std::uint64_t>(o.samples) * request.epochs},
            {"tolerance", batch.tolerance},
            {"program_version", kVersion},
            {"size", {batch.grid.lx, batch.grid.ly}},
            {"resolutions", {batch.grid.resolution()}}});
  fresh.info.configuration = c.dump();
  const bool on_gpu =
      request.device != "cpu" && gpu_is_available() && batch.grid.cells() <= batch::Plan::kMostCells;
  // In whichever thread asks first.
  auto maker = std::make_shared<std::unique_ptr<SampleMaker>>();
  check(o.problem_name == "benchmark" || o.problem_name == "drive" || o.problem_name == "five-spot",
        "--problem is '{}'; with --generate it must be benchmark, drive or five-spot", o.problem_name);
  check_field_spec(batch.field, batch.grid);
  fresh.make = [batch, on_gpu, maker, threads = o.threads](std::uint64_t first, int n, double* k, double* p) {
    if (!*maker) *maker = on_gpu ? samples_on_gpu(batch, threads) : samples_by_threads(batch, threads);
    (*maker)->make(first, n, k, p);
  };
  return fresh;
}

}  // namespace mano
