// mano predict: pressures from a trained model.
//
//   mano predict --model run --data test.h5 -o predictions.h5
//   mano predict --model run --field two-phase --seed 7 --resolution 64x64 -o prediction.vti

#include <limits>

#include "apps/command_line.hpp"
#include "apps/field_options.hpp"
#include "apps/output_field.hpp"
#include "apps/progress.hpp"
#include "apps/vtk_image.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "core/norms.hpp"
#include "datagen/dataset.hpp"
#include "solver/flow.hpp"
#include "solver/stencil.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

namespace {

struct Options {
  FieldOptions field;
  std::string model, data, resolution, output, json, device = "auto";
  int batch = 16;
  bool direct = false, force = false;
};

// Where the permeabilities come from: a dataset, or --field / --permeability.
struct Input {
  Grid grid;
  Location location = Location::cell;
  std::string setup;
  std::size_t first = 0, count = 1;
  std::function<Sample(std::size_t)> read;
  std::string field, configuration;
};

Input input_of(const Options& o, const Surrogate& surrogate) {
  Input in;
  if (!o.data.empty()) {
    check(
        o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty() && o.field.size.empty(),
        "--data excludes --field, --permeability, --resolution and --size");
    auto reader = std::make_shared<DatasetReader>(o.data);
    const DatasetInfo& info = reader->info();
    if (!o.force) surrogate.check_problem(info.setup, info.grid, info.location, o.data);
    in = {info.grid,  info.location,     info.setup,
          0,          info.samples,      [reader](std::size_t s) { return reader->read(s); },
          info.field, info.configuration};
    if (o.field.sample) {
      in.first = *o.field.sample;
      in.count = 1;
    }
    return in;
  }
  auto source = std::make_shared<FieldSource>(o.field);
  const ModelCard& card = surrogate.card();
  in.grid = source->grid(o.resolution);
  if (!o.force) source->check_location(card.location);
  // Set-up and location cannot be told from a permeability: those of the model are meant.
  if (!o.force) surrogate.check_problem(card.setup, in.grid, card.location, source->kind());
  in.location = card.location;
  in.setup = card.setup;
  in.first = o.field.sample.value_or(0);
  in.field = source->kind();
  in.configuration = source->configuration().dump();
  const Grid grid = in.grid;
  const std::uint64_t seed = o.field.seed;
  in.read = [source, grid, seed](std::size_t s) {
    Sample sample;
    sample.permeability = source->draw(s, grid);
    sample.seed = seed;
    sample.number = s;
    return sample;
  };
  return in;
}

Method method_of(const Options& o) {
  return o.direct ? Method::direct : Method::ladder;
}

void write_one_vti(const Options& o, const Input& in, const Surrogate& surrogate) {
  const Sample sample = in.read(in.first);
  const Field prediction = surrogate.predict(sample.permeability, method_of(o));
  VtkImage image{.grid = in.grid, .location = in.location};
  image.scalars = {{"permeability", sample.permeability}, {"pressure_surrogate", prediction}};
  if (!sample.pressure.values.empty()) {
    image.scalars.insert(image.scalars.begin() + 1, {"pressure", sample.pressure});
    image.scalars.emplace_back("error", difference(prediction, sample.pressure));
    say(fmt::format("relative L2 error {:.4f}", relative_l2(prediction, sample.pressure)));
  }
  if (is_named_setup(in.setup)) {
    const CellFlux flux = cell_flux(make_problem(in.setup, sample.permeability), prediction);
    image.vectors = {{"flux", {flux.x, flux.y}}};
  }
  write_vti(o.output, image);
}

void write_dataset(const Options& o, const Input& in, const Surrogate& surrogate) {
  DatasetInfo info;
  info.grid = in.grid;
  info.samples = in.count;
  info.location = in.location;
  info.setup = in.setup;
  info.field = in.field;
  info.configuration = nlohmann::json{{"predicted_by", o.model}, {"input", in.configuration}}.dump();
  Progress progress("predict", "samples", in.count);
  write_atomically(o.output, [&](const std::filesystem::path& temporary) {
    DatasetWriter writer(temporary, info);
    for (std::size_t begin = 0; begin < in.count; begin += o.batch) {
      std::vector<Sample> samples;
      std::vector<Field> permeabilities;
      for (std::size_t s = begin; s < std::min(in.count, begin + o.batch); ++s) {
        samples.push_back(in.read(in.first + s));
        permeabilities.push_back(samples.back().permeability);
      }
      if (const int signal = interrupt_signal())
        throw Interrupted(signal, "interrupted; nothing was written");
      const auto predictions = surrogate.predict(permeabilities, method_of(o));
      for (std::size_t s = 0; s < samples.size(); ++s) {
        samples[s].pressure = predictions[s];
        samples[s].iterations = 0;
        samples[s].residual = std::numeric_limits<double>::quiet_NaN();  // nothing was solved
        writer.write(begin + s, samples[s]);
      }
      progress.update(begin + samples.size());
    }
    writer.close();
  });
}

void predict(const Options& o, const Invocation&) {
  check(!o.model.empty(), "no model: pass --model RUN");
  check(!o.output.empty(), "no output: pass -o FILE.h5 or FILE.vti");
  check(o.batch > 0, "batch is {}; it must be at least 1", o.batch);
  const OutputKind kind = check_output(o.output);
  catch_interrupts();
  const Surrogate surrogate(o.model, o.device);
  const Input in = input_of(o, surrogate);
  surrogate.check_fits(in.grid, std::min<std::size_t>(o.batch, in.count));
  if (kind == OutputKind::vti) {
    check(in.count == 1, "{} holds {} samples and a .vti holds one: pass --sample I, or write .h5", o.data,
          in.count);
    write_one_vti(o, in, surrogate);
  } else {
    write_dataset(o, in, surrogate);
  }
  say(fmt::format("wrote {}: {} prediction{} at {}", o.output, in.count, in.count == 1 ? "" : "s",
                  in.grid.resolution()));
  write_json(
      o.json,
      {{"samples", in.count}, {"resolution", {in.grid.nx, in.grid.ny}}, {"device", surrogate.device()}});
}

}  // namespace

std::function<void(const Invocation&)> add_predict(CLI::App& app) {
  auto o = std::make_shared<Options>();
  app.add_option("--model", o->model, "RUN folder or checkpoint")->type_name("RUN");
  app.add_option("--data", o->data, "Dataset whose permeabilities to use")->type_name("FILE");
  add_field_options(app, o->field);
  app.add_option("--sample", o->field.sample, "One sample of the dataset, seed or file")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--resolution", o->resolution, "Cells in x and y [a file's own]")->type_name("WxH");
  app.add_option("-o,--output", o->output, "Result: .h5, or .vti for one sample")->type_name("FILE");
  app.add_option("--device", o->device, "auto, cpu or cuda [auto]");
  app.add_option("--batch", o->batch, "Samples at once [16]");
  app.add_flag("--direct", o->direct, "At unseen resolutions the network on the grid as it is, as published");
  app.add_flag("--force", o->force, "Predict for another set-up or domain than the model's");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { predict(*o, invocation); };
}

}  // namespace mano
