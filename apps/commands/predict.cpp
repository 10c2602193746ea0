// mano predict: pressures from a trained model.
//
//   mano predict --model run --data test.h5 -o predictions.h5
//   mano predict --model run --field two-phase --seed 7 --resolution 64x64 --estimate -o prediction.vti
//   mano predict --model run --field two-phase --seed 7 --samples 1000 --resolution 64x64 --correct 2 -o corrected.h5

#include <limits>

#include "apps/commands/predict_displacement.hpp"
#include "apps/options/command_line.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/field_source.hpp"
#include "apps/options/flow_options.hpp"
#include "apps/options/output_field.hpp"
#include "apps/options/progress.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/workflow/cycle_options.hpp"
#include "apps/workflow/prediction.hpp"
#include "apps/workflow/trained_on.hpp"
#include "apps/workflow/unlike_training.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "core/norms.hpp"
#include "datagen/dataset.hpp"
#include "solver/flow.hpp"
#include "solver/regions.hpp"
#include "solver/stencil.hpp"
#include "surrogate/history.hpp"

namespace mano {

namespace {

struct PredictOptions {
  FieldOptions field;
  std::string model, data, resolution, output, json, device = "auto";
  PredictionOptions prediction;
  CycleOptions cycles;
  OwnWellOptions wells;
  std::size_t samples = 1;
  int batch = 16;
  std::vector<double> times;
  bool direct = false, force = false, drop_islands = false;
};

// Where the permeabilities come from: a dataset, or --field / --permeability.
struct Input {
  Grid grid;
  Location location = Location::cell;
  std::string problem_name;
  std::size_t first = 0, count = 1;
  std::function<Sample(std::size_t)> read;
  std::string field, configuration;
  Units units;
  bool has_inactive = false;
};

// As the solver has it: an island has no pressure. Where the problem is not known, nothing tells what an island is.
Sample without_islands(Sample sample, const std::string& problem_name, bool drop) {
  if (sample.active.all() || !is_named_problem(problem_name)) return sample;
  Problem problem = make_problem(problem_name, sample.permeability, sample.active);
  if (drop) drop_islands(problem);
  check_regions(problem);
  sample.active = problem.active;
  return sample;
}

Input input_of(const PredictOptions& o, const Surrogate& surrogate) {
  Input in;
  if (!o.data.empty()) {
    check(o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty() &&
              o.field.size.empty() && o.samples == 1,
          "--data excludes --field, --permeability, --resolution, --size and --samples");
    check(!o.drop_islands, "--drop-islands is for --field and --permeability; --data holds what was solved");
    auto reader = std::make_shared<DatasetReader>(o.data);
    surrogate.check_takes_inactive(reader->info().has_inactive, o.data);
    const DatasetInfo& info = reader->info();
    if (!o.force) surrogate.check_problem(info.problem_name, info.grid, info.location, o.data);
    in = {info.grid,  info.location,      info.problem_name,
          0,          info.samples,       [reader](std::size_t s) { return reader->read(s); },
          info.field, info.configuration, info.units};
    in.has_inactive = info.has_inactive;
    if (o.field.sample) {
      in.first = *o.field.sample;
      in.count = 1;
    }
    return in;
  }
  auto source = std::make_shared<FieldSource>(o.field);
  surrogate.check_takes_inactive(source->has_inactive(), source->description());
  const ModelCard& card = surrogate.card();
  in.grid = source->grid(o.resolution);
  if (!o.force) source->check_location(card.location);
  check_one_permeability(*source, in.grid, o.force);
  check_units(card, *source, o.force);
  in.units = units_of(card);
  // Problem and location cannot be told from a permeability: those of the model are meant.
  if (!o.force) surrogate.check_problem(card.problem_name, in.grid, card.location, source->kind());
  in.location = card.location;
  in.problem_name = card.problem_name;
  in.first = o.field.sample.value_or(0);
  in.count = o.samples;
  source->check_samples(in.first, in.count);
  in.field = source->kind();
  in.has_inactive = source->has_inactive();
  in.configuration = source->configuration().dump();
  const bool drop = o.drop_islands || !o.field.inactive.empty();  // random ones have some
  in.read = [source, grid = in.grid, name = in.problem_name, drop](std::size_t s) {
    return without_islands(source->sample(s, grid), name, drop);
  };
  return in;
}

// What is worth knowing of all predictions, as it goes on.
struct Summary {
  std::vector<double> estimates;
  UnlikeTraining unlike;
  int cycles = 0;
  double seconds = 0.0;  // for conservative fluxes

  void add(const Prediction& p, std::uint64_t number) {
    if (p.estimated_relative_l2) estimates.push_back(*p.estimated_relative_l2);
    cycles += p.conservative_cycles;
    seconds += p.conservative_seconds;
    unlike.add(p.unlike_training, number);
  }

  void tell(const PredictionOptions& o, std::size_t samples) const {
    if (!estimates.empty()) {
      const ErrorSummary e = summarize(estimates);
      say(fmt::format(
          "estimated relative L2 error: mean {:.2g}, median {:.2g}, worst {:.2g} ({} multigrid cycles "
          "each)",
          e.mean, e.median, e.max, kEstimateCycles));
    }
    if (o.conservative)
      say(fmt::format("conservative flux: {:.1f} multigrid cycles and {:.2g} ms a sample",
                      static_cast<double>(cycles) / static_cast<double>(samples),
                      1e3 * seconds / static_cast<double>(samples)));
    if (unlike.count() > 0) say(unlike.caution());
  }
};

void write_one_vti(const PredictOptions& o, const Input& in, const Surrogate& surrogate, Summary& summary) {
  const Sample sample = in.read(in.first);
  const Prediction predicted = predict_samples(surrogate, {sample}, in.problem_name, o.prediction).front();
  summary.add(predicted, sample.number);
  const Field& prediction = predicted.pressure;
  VtkImage image{.grid = in.grid, .location = in.location, .active = sample.active};
  const UnitNames units = in.units.names();
  const auto pressure_array = [&](const char* name) { return with_unit(name, units.pressure); };
  image.scalars = {{with_unit("permeability", units.permeability), sample.permeability},
                   {pressure_array("pressure_surrogate"), prediction}};
  if (!sample.pressure.values.empty()) {
    image.scalars.insert(image.scalars.begin() + 1, {pressure_array("pressure"), sample.pressure});
    image.scalars.emplace_back(pressure_array("error"), difference(prediction, sample.pressure));
    say(fmt::format("relative L2 error {:.5f}", relative_l2(prediction, sample.pressure)));
  }
  if (predicted.error_estimate)
    image.scalars.emplace_back(pressure_array("error_estimate"), *predicted.error_estimate);
  if (predicted.half_width && std::isnan(*predicted.half_width)) {
    say("no prediction interval: the permeability is unlike that of training");
  } else if (predicted.half_width) {
    image.scalars.emplace_back(pressure_array("interval_half_width"), Field(in.grid, *predicted.half_width));
    const Resolution r{in.grid.nx, in.grid.ny};
    say(fmt::format(
        "prediction interval: +-{:.3g}, {}", *predicted.half_width,
        surrogate.card().calibration(r) != nullptr
            ? fmt::format("meant to hold {:.0f} % of the points of fields like those it was calibrated on",
                          100 * kCoverage)
            : fmt::format("calibrated at {}: nothing is promised at {}", surrogate.base_resolution(r).text(),
                          r.text())));
  }
  if (is_named_problem(in.problem_name)) {
    const Problem problem = make_problem(in.problem_name, sample.permeability, sample.active);
    const CellFlux flux = predicted.conservative_flux ? cell_flux(in.grid, *predicted.conservative_flux)
                                                      : cell_flux(problem, prediction);
    image.vectors = {{"flux", {flux.x, flux.y}}};
  }
  write_vti(o.output, image);
}

// Values of faces as a field of their own.
Field face_field(const Grid& grid, const std::vector<double>& values, int more_x, int more_y) {
  Field field({grid.nx + more_x, grid.ny + more_y, grid.lx, grid.ly, grid.x0, grid.y0});
  field.values = values;
  return field;
}

void write_more(DatasetWriter& writer, std::size_t index, const Grid& grid, const CellMask& active,
                const Prediction& p) {
  if (p.unlike_training) writer.add("unlike_training", index, p.unlike_training->empty() ? 0.0 : 1.0);
  if (p.half_width) writer.add("interval_half_width", index, *p.half_width);
  if (p.error_estimate) {
    writer.add("error_estimate", index,
               with_inactive(*p.error_estimate, active, std::numeric_limits<double>::quiet_NaN()));
    if (p.estimated_relative_l2) writer.add("estimated_relative_l2", index, *p.estimated_relative_l2);
  }
  if (p.conservative_flux) {
    writer.add("flux_x", index, face_field(grid, p.conservative_flux->ux, 1, 0));
    writer.add("flux_y", index, face_field(grid, p.conservative_flux->uy, 0, 1));
  }
}

void write_dataset(const PredictOptions& o, const Input& in, const Surrogate& surrogate, Summary& summary) {
  DatasetInfo info;
  info.grid = in.grid;
  info.samples = in.count;
  info.location = in.location;
  info.problem_name = in.problem_name;
  info.field = in.field;
  info.has_inactive = in.has_inactive;
  info.units = in.units;
  info.configuration = nlohmann::json{{"predicted_by", o.model}, {"input", in.configuration}}.dump();
  Progress progress("predict", "samples", in.count);
  write_atomically(o.output, [&](const std::filesystem::path& temporary) {
    DatasetWriter writer(temporary, info);
    for (std::size_t begin = 0; begin < in.count; begin += o.batch) {
      std::vector<Sample> samples;
      for (std::size_t s = begin; s < std::min(in.count, begin + o.batch); ++s)
        samples.push_back(in.read(in.first + s));
      if (const int signal = interrupt_signal())
        throw Interrupted(signal, "interrupted; nothing was written");
      const auto predictions = predict_samples(surrogate, samples, in.problem_name, o.prediction);
      for (std::size_t s = 0; s < samples.size(); ++s) {
        samples[s].pressure = predictions[s].pressure;
        samples[s].iterations = o.prediction.correct;
        samples[s].residual = std::numeric_limits<double>::quiet_NaN();  // nothing was solved
        writer.write(begin + s, samples[s]);
        write_more(writer, begin + s, in.grid, samples[s].active, predictions[s]);
        summary.add(predictions[s], samples[s].number);
      }
      progress.update(begin + samples.size());
    }
    writer.close();
  });
}

void predict(const PredictOptions& o, const Invocation&) {
  check(!o.model.empty(), "no model: pass --model RUN");
  check(!o.output.empty(), "no output: pass -o FILE.h5 or FILE.vti");
  check(o.samples > 0, "samples is {}; it must be at least 1", o.samples);
  check(o.batch > 0, "batch is {}; it must be at least 1", o.batch);
  if (predicts_history(o.model)) {
    check(!o.drop_islands,
          "--drop-islands: a displacement is predicted without islands always: leave it out");
    check(!o.force && !o.prediction.estimate && o.prediction.correct == 0 && !o.prediction.conservative &&
              !o.cycles.given(),
          "a displacement is predicted without --force, --estimate, --correct, --conservative, --cycles and "
          "--accuracy");
    return predict_displacements({.field = o.field,
                                  .model = o.model,
                                  .data = o.data,
                                  .resolution = o.resolution,
                                  .output = o.output,
                                  .json = o.json,
                                  .device = o.device,
                                  .samples = o.samples,
                                  .batch = o.batch,
                                  .times = o.times,
                                  .direct = o.direct,
                                  .wells = o.wells});
  }
  check(!o.wells.given(),
        "--well and --random-wells are for models of displacements; {} predicts steady pressures", o.model);
  check(o.times.empty(), "--times is for models of displacements; {} predicts steady pressures", o.model);
  const OutputKind kind = check_output(o.output);
  catch_interrupts();
  Surrogate surrogate(o.model, o.device);
  apply_cycles(o.cycles, !o.direct, surrogate);
  const Input in = input_of(o, surrogate);
  check_equation(o.prediction, in.problem_name, in.location, o.data.empty() ? o.model : o.data);
  surrogate.check_fits(in.grid, std::min<std::size_t>(o.batch, in.count));
  Summary summary;
  if (kind == OutputKind::vti) {
    check(in.count == 1, "{} samples are asked for and a .vti holds one: pass --sample I, or write .h5",
          in.count);
    write_one_vti(o, in, surrogate, summary);
  } else {
    write_dataset(o, in, surrogate, summary);
  }
  summary.tell(o.prediction, in.count);
  say(fmt::format("wrote {}: {} prediction{} at {}", o.output, in.count, in.count == 1 ? "" : "s",
                  in.grid.resolution()));
  nlohmann::json results{{"samples", in.count},
                         {"resolution", {in.grid.nx, in.grid.ny}},
                         {"device", surrogate.device()},
                         {"unlike_training", summary.unlike.count()}};
  if (!summary.estimates.empty()) {
    const ErrorSummary e = summarize(summary.estimates);
    results["estimated_relative_l2"] = {{"mean", e.mean}, {"median", e.median}, {"max", e.max}};
  }
  write_json(o.json, results);
}

}  // namespace

std::function<void(const Invocation&)> add_predict(CLI::App& app) {
  auto o = std::make_shared<PredictOptions>();
  app.add_option("--model", o->model, "RUN folder or checkpoint")->type_name("RUN");
  app.add_option("--data", o->data, "Dataset whose permeabilities to use")->type_name("FILE");
  add_field_options(app, o->field);
  app.add_option("--sample", o->field.sample, "One sample of the dataset, seed or file")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--resolution", o->resolution, "Cells in x and y [a file's own]")->type_name("WxH");
  add_drop_islands_option(app, o->drop_islands);
  app.add_option("-o,--output", o->output,
                 "Result: .h5, or .vti for one sample; of displacements .h5 or .pvd")
      ->type_name("FILE");
  app.add_option("--device", o->device, "auto, cpu or cuda [auto]");
  app.add_option("--samples", o->samples,
                 "How many samples, from --sample on, of --field or --permeability [1]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--batch", o->batch, "Samples at once [16]");
  app.add_flag("--estimate", o->prediction.estimate,
               "Estimate the prediction's error by two multigrid cycles, as a field and as a norm");
  app.add_option("--correct", o->prediction.correct, "Multigrid cycles that correct the prediction [0]")
      ->type_name("N");
  app.add_flag("--conservative", o->prediction.conservative,
               "Also write a flux that conserves mass: multigrid cycles down to a residual of 1e-8, which "
               "give the solver's flux");
  app.add_option("--times", o->times,
                 "Of a model of displacements: pore volumes injected, for an animation [the model's own]")
      ->delimiter(',')
      ->type_name("T,...");
  add_own_well_options(app, o->wells);
  add_cycle_options(app, o->cycles);
  add_direct_option(app, o->direct);
  app.add_flag("--force", o->force, "Predict for another problem or domain than the model's");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) {
    if (o->direct) o->prediction.method = Method::direct;
    o->prediction.interval = !o->force;
    predict(*o, invocation);
  };
}

}  // namespace mano
