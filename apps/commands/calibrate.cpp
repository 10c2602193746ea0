// mano calibrate: intervals of a trained model from new solved fields, at any resolution; they replace those in its checkpoint.
//
//   mano generate --field two-phase --seed 5 --samples 400 --resolution 32x32 --also 64x64 -o fresh.h5
//   mano calibrate --model run --data fresh.h5 --data fresh-64x64.h5

#include "apps/options/command_line.hpp"
#include "apps/options/progress.hpp"
#include "apps/workflow/prediction.hpp"
#include "apps/workflow/trained_on.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "surrogate/evaluate.hpp"

namespace mano {

namespace {

struct CalibrateOptions {
  std::string model, device = "auto", json;
  std::vector<std::string> data;
  int batch = 16;
};

void calibrate_command(const CalibrateOptions& o, const Invocation&) {
  // 1. What is asked for.
  check(!o.model.empty(), "no model: pass --model RUN");
  check(!o.data.empty(), "no dataset: pass --data FILE");
  check(o.batch > 0, "batch is {}; it must be at least 1", o.batch);
  const Surrogate surrogate(o.model, o.device);
  std::vector<DatasetReader> readers;
  for (const auto& path : o.data) {
    readers.emplace_back(path);
    const DatasetInfo& info = readers.back().info();
    surrogate.check_problem(info.problem_name, info.grid, info.location, path);
    surrogate.check_fits(info.grid, std::min<std::size_t>(o.batch, info.samples));
    for (std::size_t other = 0; other + 1 < readers.size(); ++other) {
      const Grid& g = readers[other].info().grid;
      check(g.nx != info.grid.nx || g.ny != info.grid.ny,
            "{} and {} have the same resolution: merge them first (mano merge)", o.data[other], path);
    }
    const std::size_t known = samples_trained_on(surrogate.card(), readers.back());
    check(known == 0,
          "{}: the model was trained on {} of its {} samples: prediction intervals need new ones, of another "
          "seed",
          path, known, info.samples);
    check(info.samples >= kFewestFields, "{}: {} samples; calibrating needs at least {}", path, info.samples,
          kFewestFields);
    readers.back().refuse_predicted();
    check_solved(readers.back().read(0), info.problem_name, info.location, path);
  }
  const auto checkpoint = checkpoint_path(o.model);
  check_writable(checkpoint);

  // 2. Errors on the new fields.
  std::vector<Calibration> calibrations;
  nlohmann::json results = nlohmann::json::array();
  for (const DatasetReader& reader : readers) {
    Progress progress("calibrate " + reader.path().filename().string(), "samples", reader.info().samples);
    calibrations.push_back(
        calibrate(surrogate, reader, o.batch, [&](std::size_t done) { progress.update(done); }));
    const Calibration& c = calibrations.back();
    results.push_back({{"data", reader.path().string()},
                       {"resolution", {c.resolution.nx, c.resolution.ny}},
                       {"fields", c.fields},
                       {"coverage", kCoverage},
                       {"half_width", c.half_width},
                       {"relative_l2", c.relative_l2}});
  }

  // 3. Into the checkpoint.
  store_calibrations(checkpoint, calibrations);
  for (const Calibration& c : calibrations) {
    say(fmt::format(
        "at {}: {:.0f} % of the points within {:.3g} times the prediction's rms, by {} new fields{}",
        c.resolution.text(), 100 * kCoverage, c.half_width, c.fields,
        c.fields < 100 ? " (few: the coverage may stray by some per cent)" : ""));
  }
  say(fmt::format("wrote {}", checkpoint.string()));
  write_json(o.json, {{"command", "calibrate"}, {"model", o.model}, {"results", results}});
}

}  // namespace

std::function<void(const Invocation&)> add_calibrate(CLI::App& app) {
  auto o = std::make_shared<CalibrateOptions>();
  app.add_option("--model", o->model, "RUN folder or checkpoint, whose prediction intervals are replaced")
      ->type_name("RUN");
  app.add_option("--data", o->data, "Dataset that the model was not trained on; may be repeated")
      ->type_name("FILE");
  app.add_option("--device", o->device, "auto, cpu or cuda [auto]");
  app.add_option("--batch", o->batch, "Samples at once [16]");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { calibrate_command(*o, invocation); };
}

}  // namespace mano
