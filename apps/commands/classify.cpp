// mano classify: which kind of rock a field is, by a network trained with `mano train --task classify`.
//
//   mano classify --model kinds --data test-two-phase.h5 --data test-channels.h5 --picture confusion.png
//   mano classify --model kinds --permeability rock.grdecl --layer 3

#include <algorithm>

#include "apps/options/command_line.hpp"
#include "apps/options/deck.hpp"
#include "apps/options/field_source.hpp"
#include "apps/options/progress.hpp"
#include "apps/pictures/curve.hpp"
#include "core/error.hpp"
#include "datagen/dataset.hpp"
#include "surrogate/classifier.hpp"

namespace mano {

namespace {

struct ClassifyOptions {
  FieldOptions field;
  std::string model, resolution, device = "auto", picture, json;
  std::vector<std::string> data;
  std::size_t samples = 1;
  int batch = 16;
};

// Fields of one kind, or of a kind that no class stands for.
struct ClassifySource {
  std::string name, kind;
  Grid grid;
  Location location = Location::cell;
  std::size_t samples = 0;
  std::function<Field(std::size_t)> read;
};

// How often each class was taken for which, and what was taken for it.
struct Counts {
  std::vector<std::size_t> taken_for;  // by class
  double mean_probability = 0.0;       // of the class that was taken
};

std::vector<ClassifySource> sources_of(const ClassifyOptions& o) {
  std::vector<ClassifySource> sources;
  if (!o.data.empty()) {
    check(o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty(),
          "--data excludes --field, --permeability and --resolution");
    for (const auto& path : o.data) {
      auto reader = std::make_shared<DatasetReader>(path);
      reader->refuse_inactive();
      const DatasetInfo& info = reader->info();
      sources.push_back({path, info.field, info.grid, info.location, info.samples,
                         [reader](std::size_t s) { return reader->read(s).permeability; }});
    }
    return sources;
  }
  auto field = std::make_shared<FieldSource>(o.field);
  refuse_inactive(field->has_inactive(), field->description());
  const Grid grid = field->grid(o.resolution);
  check_one_permeability(*field, grid, true);
  const std::size_t first = o.field.sample.value_or(0);
  field->check_samples(first, o.samples);
  sources.push_back({field->description(), field->kind(), grid, Location::cell, o.samples,
                     [field, grid, first](std::size_t s) { return field->draw(first + s, grid); }});
  return sources;
}

Counts classify(const Classifier& classifier, const ClassifySource& source, std::size_t batch) {
  Counts counts{std::vector<std::size_t>(classifier.card().classes.size(), 0)};
  Progress progress("classify", "fields", source.samples);
  for (std::size_t begin = 0; begin < source.samples; begin += batch) {
    std::vector<Field> fields;
    for (std::size_t s = begin; s < std::min(source.samples, begin + batch); ++s)
      fields.push_back(source.read(s));
    for (const auto& p : classifier.probabilities(fields)) {
      const auto most = std::max_element(p.begin(), p.end());
      ++counts.taken_for[static_cast<std::size_t>(most - p.begin())];
      counts.mean_probability += *most;
    }
    progress.update(begin + fields.size());
  }
  counts.mean_probability /= static_cast<double>(source.samples);
  return counts;
}

std::string line_of(const ClassifySource& source, const Counts& counts,
                    const std::vector<std::string>& classes) {
  std::string text;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (counts.taken_for[c] == 0) continue;
    text +=
        fmt::format("{}{} {:.1f} %", text.empty() ? "" : ", ", classes[c],
                    100.0 * static_cast<double>(counts.taken_for[c]) / static_cast<double>(source.samples));
  }
  return fmt::format("{}: {} field{} of kind {}, taken for {} (mean probability {:.2f})", source.name,
                     source.samples, source.samples == 1 ? "" : "s", source.kind, text,
                     counts.mean_probability);
}

void classify_command(const ClassifyOptions& o, const Invocation&) {
  // 1. What is asked for.
  check(!o.model.empty(), "no model: pass --model RUN");
  check(o.batch > 0, "batch is {}; it must be at least 1", o.batch);
  check(o.samples > 0, "samples is {}; it must be at least 1", o.samples);
  const Classifier classifier(o.model, o.device);
  const ModelCard& card = classifier.card();
  const auto sources = sources_of(o);
  for (const ClassifySource& s : sources)
    check(s.location == card.location, "{}: its values sit at the {}, those of training at the {}", s.name,
          to_string(s.location), to_string(card.location));

  check(o.picture.empty() || std::any_of(sources.begin(), sources.end(),
                                         [&](const ClassifySource& s) {
                                           return std::count(card.classes.begin(), card.classes.end(),
                                                             s.kind) > 0;
                                         }),
        "--picture shows which kind is taken for which, and no field is of a kind that the model knows");

  // 2. Every field.
  nlohmann::json results = nlohmann::json::array();
  std::vector<std::vector<double>> confusion(card.classes.size(),
                                             std::vector<double>(card.classes.size(), 0));
  std::size_t known = 0, right = 0;
  for (const ClassifySource& source : sources) {
    const Counts counts = classify(classifier, source, static_cast<std::size_t>(o.batch));
    say(line_of(source, counts, card.classes));
    nlohmann::json taken;
    const auto own = std::find(card.classes.begin(), card.classes.end(), source.kind) - card.classes.begin();
    for (std::size_t c = 0; c < card.classes.size(); ++c) {
      taken[card.classes[c]] = counts.taken_for[c];
      if (own < std::ssize(card.classes))
        confusion[static_cast<std::size_t>(own)][c] += static_cast<double>(counts.taken_for[c]);
    }
    if (own < std::ssize(card.classes)) {
      known += source.samples;
      right += counts.taken_for[static_cast<std::size_t>(own)];
    }
    results.push_back({{"data", source.name},
                       {"kind", source.kind},
                       {"fields", source.samples},
                       {"taken_for", taken},
                       {"mean_probability", counts.mean_probability}});
  }

  // 3. Report.
  nlohmann::json report{
      {"command", "classify"}, {"model", o.model}, {"classes", card.classes}, {"results", results}};
  if (known > 0) {
    const double accuracy = static_cast<double>(right) / static_cast<double>(known);
    say(fmt::format("{:.1f} % of {} fields of known kinds are right", 100 * accuracy, known));
    report["accuracy"] = accuracy;
    report["confusion"] = confusion;
  }
  if (!o.picture.empty()) {
    const std::string path = draw_confusion(o.picture, card.classes, confusion);
    say(path.empty() ? std::string("no picture: gnuplot is not there") : "wrote " + path);
  }
  write_json(o.json, report);
}

}  // namespace

std::function<void(const Invocation&)> add_classify(CLI::App& app) {
  auto o = std::make_shared<ClassifyOptions>();
  app.add_option("--model", o->model, "RUN folder or checkpoint of a classifier")->type_name("RUN");
  app.add_option("--data", o->data, "Dataset whose permeabilities to look at; may be repeated")
      ->type_name("FILE");
  add_field_options(app, o->field);
  app.add_option("--sample", o->field.sample, "One sample of the seed or file")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--resolution", o->resolution, "Cells in x and y [a file's own]")->type_name("WxH");
  app.add_option("--samples", o->samples,
                 "How many samples, from --sample on, of --field or --permeability [1]")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--device", o->device, "auto, cpu or cuda [auto]");
  app.add_option("--batch", o->batch, "Fields at once [16]");
  app.add_option("--picture", o->picture, "Draw which kind is taken for which")->type_name("FILE.png");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { classify_command(*o, invocation); };
}

}  // namespace mano
