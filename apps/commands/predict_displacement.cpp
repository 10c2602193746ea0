#include "apps/commands/predict_displacement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/options/command_line.hpp"
#include "apps/options/progress.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "apps/workflow/displacement_model.hpp"
#include "apps/workflow/unlike_training.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"

namespace mano {

namespace {

namespace fs = std::filesystem;

struct DisplacementInput {
  Grid grid;
  std::size_t first = 0, count = 1;
  std::string field, configuration;
  bool has_inactive = false, has_truth = false;
  std::size_t most_wells = 0;  // of a sample's own
  std::string displacement;    // as in DatasetInfo
  std::function<Sample(std::size_t)> read;
};

DisplacementInput displacement_input_of_data(const PredictDisplacementOptions& o,
                                             const DisplacementModel& model) {
  refuse_beside_data(o.wells);
  check(o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty() &&
            o.field.size.empty() && o.samples == 1,
        "--data excludes --field, --permeability, --resolution, --size and --samples");
  auto reader = std::make_shared<DatasetReader>(o.data, DatasetKind::displacement);
  const DatasetInfo& info = reader->info();
  reader->refuse_predicted();
  model.check_data(info, o.data);
  DisplacementInput in{
      .grid = info.grid,
      .count = info.samples,
      .field = info.field,
      .configuration = info.configuration,
      .has_inactive = info.has_inactive,
      .has_truth = true,
      .most_wells = std::max(info.most_wells, DisplacementSource(info).shared_wells().size()),
      .displacement = info.most_wells > 0 ? info.displacement : model.source().description(),
      .read = [reader, read = model.reader_of(*reader)](std::size_t s) { return read(s); }};
  if (o.field.sample) {
    in.first = *o.field.sample;
    in.count = 1;
  }
  return in;
}

DisplacementInput displacement_input_of_field(const PredictDisplacementOptions& o,
                                              const DisplacementModel& model) {
  auto source = std::make_shared<FieldSource>(o.field);
  DisplacementInput in{.grid = source->grid(o.resolution),
                       .first = o.field.sample.value_or(0),
                       .count = o.samples,
                       .field = source->kind(),
                       .configuration = source->configuration().dump(),
                       .has_inactive = source->has_inactive()};
  model.check_rock(*source, in.grid);
  source->check_samples(in.first, in.count);
  const auto wells = std::make_shared<OwnWells>(model, o.wells);
  in.most_wells = wells->most();
  in.displacement = wells->description();
  in.read = [source, wells, grid = in.grid](std::size_t s) {
    return wells->given_to(source->sample(s, grid));
  };
  return in;
}

void write_curves(const fs::path& path, const Fluids& fluids, const std::vector<double>& times,
                  const History& h) {
  std::string text =
      fmt::format("pore volumes injected,{} cut,{} recovery\n", fluids.injected, fluids.displaced);
  for (std::size_t t = 0; t < times.size(); ++t)
    text += fmt::format("{:.10g},{:.10g},{:.10g}\n", times[t], h.water_cut[t], h.recovery[t]);
  write_text_atomically(path, text);
}

void write_animation(const PredictDisplacementOptions& o, const DisplacementModel& model,
                     const DisplacementInput& in, UnlikeTraining& unlike) {
  const Sample sample = in.read(in.first);
  unlike.add(model.unlike_training(sample), sample.number);
  const std::vector<double>& times = o.times.empty() ? model.card().history->times : o.times;
  const Method method = o.direct ? Method::direct : Method::multigrid;
  const History h = model.predict_at({sample}, times, method).front();
  const bool compares = in.has_truth && o.times.empty();
  if (compares)
    say(fmt::format("relative L2 error of the saturation {:.5f}",
                    relative_l2(h.saturation, sample.history.saturation)));
  const auto width = model.surrogate().interval_half_width(h, sample.active);
  if (width)
    say(
        fmt::format("prediction interval of the saturation: +-{:.3g}, meant to hold {:.0f} % of the values "
                    "where it was calibrated",
                    *width, 100 * kCoverage));
  const fs::path pvd(o.output), stem = pvd.parent_path() / pvd.stem();
  fs::create_directories(stem);
  const UnitNames units = model.source().units().names();
  std::vector<PvdEntry> entries;
  for (std::size_t t = 0; t < times.size(); ++t) {
    const std::string name = fmt::format("{:03}.vti", t + 1);
    VtkImage image{.grid = in.grid,
                   .active = sample.active,
                   .scalars = {{"saturation_surrogate", h.saturation[t]},
                               {with_unit("pressure_surrogate", units.pressure), h.pressure[t]},
                               {with_unit("permeability", units.permeability), sample.permeability}}};
    if (compares) {
      image.scalars.emplace_back("saturation", sample.history.saturation[t]);
      image.scalars.emplace_back("error", difference(h.saturation[t], sample.history.saturation[t]));
    }
    if (width) image.scalars.emplace_back("interval_half_width", Field(in.grid, *width));
    write_vti(stem / name, image);
    entries.push_back({(pvd.stem() / name).string(), times[t]});
  }
  write_pvd(pvd, entries);
  write_curves(stem.string() + ".csv", model.source().fluids(), times, h);
}

void write_predictions(const PredictDisplacementOptions& o, const DisplacementModel& model,
                       const DisplacementInput& in, UnlikeTraining& unlike) {
  check(o.times.empty(),
        "--times goes with an animation of one sample: write .pvd; a dataset has the model's own times");
  DatasetInfo info;
  info.grid = in.grid;
  info.samples = in.count;
  info.problem_name = model.card().problem_name;
  info.field = in.field;
  info.has_inactive = in.has_inactive;
  info.units = model.source().units();
  info.times = model.card().history->times;
  info.displacement = in.displacement;
  if (model.source().flow().has_own_wells()) info.most_wells = in.most_wells;
  info.configuration = nlohmann::json{{"predicted_by", o.model}, {"input", in.configuration}}.dump();
  const Method method = o.direct ? Method::direct : Method::multigrid;
  Progress progress("predict", "samples", in.count);
  write_atomically(o.output, [&](const fs::path& temporary) {
    DatasetWriter writer(temporary, info);
    for (std::size_t begin = 0; begin < in.count; begin += o.batch) {
      if (const int signal = interrupt_signal())
        throw Interrupted(signal, "interrupted; nothing was written");
      std::vector<Sample> samples;
      for (std::size_t s = begin; s < std::min<std::size_t>(in.count, begin + o.batch); ++s)
        samples.push_back(in.read(in.first + s));
      const auto predictions = model.predict(samples, method);
      for (std::size_t s = 0; s < samples.size(); ++s) {
        samples[s].history = predictions[s];
        samples[s].history.elapsed_time.assign(info.times.size(), std::numeric_limits<double>::quiet_NaN());
        samples[s].iterations = 0;
        samples[s].residual = std::numeric_limits<double>::quiet_NaN();  // nothing was simulated
        writer.write(begin + s, samples[s]);
        const auto found = model.unlike_training(samples[s]);
        if (found) writer.add("unlike_training", begin + s, found->empty() ? 0.0 : 1.0);
        unlike.add(found, samples[s].number);
      }
      progress.update(begin + samples.size());
    }
    writer.close();
  });
}

}  // namespace

void predict_displacements(const PredictDisplacementOptions& o) {
  const std::string extension = fs::path(o.output).extension().string();
  check(extension == ".h5" || extension == ".pvd",
        "output is '{}'; a displacement is written to .h5, or one sample to .pvd", o.output);
  if (extension == ".pvd") check_vtk();
  check_writable(o.output);
  catch_interrupts();
  const DisplacementModel model(o.model, o.device);
  const DisplacementInput in =
      o.data.empty() ? displacement_input_of_field(o, model) : displacement_input_of_data(o, model);
  UnlikeTraining unlike;
  if (extension == ".pvd") {
    check(in.count == 1, "{} samples are asked for and a .pvd holds one: pass --sample I, or write .h5",
          in.count);
    write_animation(o, model, in, unlike);
  } else {
    write_predictions(o, model, in, unlike);
  }
  if (unlike.count() > 0) say(unlike.caution());
  say(fmt::format("wrote {}: {} displacement{} at {}", o.output, in.count, in.count == 1 ? "" : "s",
                  in.grid.resolution()));
  write_json(o.json, {{"samples", in.count},
                      {"resolution", {in.grid.nx, in.grid.ny}},
                      {"device", model.surrogate().device()},
                      {"unlike_training", unlike.count()}});
}

}  // namespace mano
